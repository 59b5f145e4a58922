import { configDirectory, type Settings } from "../config/mod.ts";
import { Failure } from "../failure/mod.ts";
import type { Host } from "../host/mod.ts";
import {
  type CachedLogin,
  CacheFile,
  endOf,
  hasEnded,
  isLasting,
  readClaims,
} from "../tokens/mod.ts";
import { givenToken, noToken, type SelectedToken } from "./token.ts";

/** What renewing a login takes beside the cache. */
export interface KeeperOptions {
  readonly host: Host;
  readonly settings: Settings;
  /** URLs that the command may talk to, as the cache names servers. */
  readonly servers: () => Promise<readonly string[]>;
  readonly caPem: () => Promise<string | undefined>;
}

/**
 * The token of one command: given, or of a login, which it renews in time. It holds nothing but the
 * token it chose last.
 */
export class TokenKeeper {
  #selected: Promise<SelectedToken> | undefined;
  #wasRefused = false;

  constructor(private readonly options: KeeperOptions) {}

  /**
   * The token to send now (CLI-20).
   *
   * @throws {Failure} exit 2 when there is none that is good.
   */
  async current(): Promise<SelectedToken> {
    this.#selected ??= this.#select();
    const selected = await this.#selected;
    const { login } = selected;
    if (login === undefined || isLasting(login.expiresAtMs, this.options.host.clock.nowMs())) {
      return selected;
    }
    this.#selected = this.#renewed(selected, login.server, false);
    return await this.#selected;
  }

  /**
   * After a server refused the token: renews its login, once in a command (CLI-36). Resolves to
   * whether there is another token to try with.
   */
  async replace(): Promise<boolean> {
    const selected = await this.#selected;
    if (selected?.login === undefined || this.#wasRefused) return false;
    this.#wasRefused = true;
    this.#selected = this.#renewed(selected, selected.login.server, true);
    return (await this.#selected).token !== selected.token;
  }

  async #select(): Promise<SelectedToken> {
    const { host, settings } = this.options;
    const given = await givenToken(host, settings);
    if (given !== undefined) return given;
    const cache = openCache(host);
    const logins = (await cache?.read())?.servers ?? {};
    for (const server of await this.options.servers()) {
      const login = logins[server];
      if (login !== undefined) return selectedOf(server, login);
    }
    throw noToken(host, settings);
  }

  async #renewed(old: SelectedToken, server: string, isRefused: boolean): Promise<SelectedToken> {
    const { host, settings, caPem } = this.options;
    const cache = openCache(host);
    if (cache === undefined) return old;
    // Loads the OpenID library, which few commands need.
    const { renew } = await import("../oauth/mod.ts");
    try {
      const login = await renew(
        {
          cache,
          server,
          client: {
            clientSecret: (clientId) => clientSecretOf(settings, clientId),
            caPem: await caPem(),
            allowInsecure: settings.allowPlaintext,
            timeoutSeconds: settings.authTimeout,
          },
          nowMs: () => host.clock.nowMs(),
        },
        old.token,
        isRefused,
      );
      return selectedOf(server, login);
    } catch (error) {
      const isUsable = !isRefused && !hasEnded(old.login?.expiresAtMs, host.clock.nowMs());
      // A cache that cannot be written keeps nobody from using what is left of the token.
      if (isUsable && error instanceof Failure && error.code === "CONFIG") return old;
      throw error;
    }
  }
}

/** The login cache of this user; undefined without a home directory. */
export function openCache(host: Host): CacheFile | undefined {
  const directory = configDirectory(host);
  return directory === undefined ? undefined : new CacheFile(directory, host);
}

/** The secret of `clientId`, where the settings have one for it. */
export function clientSecretOf(settings: Settings, clientId: string): string | undefined {
  const isOurs = clientId === settings.serviceClientId || clientId === settings.clientId;
  return isOurs ? settings.clientSecret : undefined;
}

function selectedOf(server: string, login: CachedLogin): SelectedToken {
  return {
    token: login.access_token,
    claims: readClaims(login.access_token),
    login: { server, expiresAtMs: endOf(login) },
  };
}
