/**
 * The certificates that are in force: which CAs are trusted, and what the listener presents. It owns
 * the timers that renew the listener's certificate and drop replaced CAs, until `keepFresh` is ended.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { RpcServer, ServerTls } from "../../common/rpc_server/mod.ts";
import {
  type CertificateMaterial,
  type CertificateSource,
  HeldCertificate,
  joinPemBundle,
  splitPemBundle,
} from "../../common/tls/mod.ts";
import type { JournalSettings } from "../config/mod.ts";
import type { Replica } from "../replica/mod.ts";
import { type Authority, listenerCertificate } from "./authority.ts";
import type { JournalSvid } from "./svid.ts";

/** How often validity is looked at; well below the least lifetime and the overlap of CRT-1. */
const CHECK_INTERVAL_MS = 60_000;

/** Trust of one journal process. */
export interface Trust {
  /**
   * Every CA that nodes trust now, this process's own first (CRT-1), and with an SVID those of its
   * trust domain, so that nodes without SPIRE know the journal by its host's name.
   */
  bundlePem(): string;
  /** Those among them that were replaced and will be dropped (CRT-1); empty for none. */
  leavingPem(): string;
  /** What the API listener presents and trusts, and its changes. */
  readonly source: CertificateSource;
  /** What the API listener is to present and to trust. */
  serverTls(): Promise<ServerTls>;
  /** Keeps a listener's certificate and trust current; `onTrust` hears after each change. */
  keepFresh(rpc: Pick<RpcServer, "rotate">, log: Logger, onTrust?: () => void): Upkeep;
}

/** The upkeep of one listener. */
export interface Upkeep {
  /** Reads configured files again and takes them into use under live connections (CRT-8). */
  renew(): Promise<void>;
  stop(): void;
}

/** Trust over the replicated CA bundle and the configured files. */
export function createTrust(
  settings: JournalSettings,
  authority: Authority,
  replica: Replica,
  clock: Clock,
  svid?: JournalSvid,
): Trust {
  let configured = configuredCa(settings);
  const replicatedNow = () => {
    const nowMs = clock.nowMs();
    return [...replica.state.list("ca_bundle")].map(([, ca]) => ca)
      .filter((ca) => Date.parse(ca.remove_after ?? ca.not_after) > nowMs);
  };
  const leavingPem = () => {
    const leaving = replicatedNow().filter(({ remove_after }) => remove_after !== undefined)
      .map(({ certificate_pem }) => certificate_pem);
    return leaving.length === 0 ? "" : joinPemBundle(leaving);
  };
  const ownPem = () => {
    const replicated = replicatedNow().map(({ certificate_pem }) => certificate_pem);
    // The configured one last: nodes need it to trust a listener that presents configured files.
    return joinPemBundle([authority.ca.certPem, ...replicated, ...configured]);
  };
  const bundlePem = () =>
    joinPemBundle([ownPem(), ...svid?.ownDomain().values() ?? []].flatMap(splitPemBundle));
  const held = new HeldCertificate();
  const presented = async () => {
    const identity = svid?.current();
    return identity === undefined
      ? await listenerCertificate(settings, authority, new Date(clock.nowMs()))
      : { certPem: identity.svid.chainPem, keyPem: identity.svid.keyPem };
  };
  const newest = async (): Promise<CertificateMaterial> => ({
    ...await presented(),
    trustPem: ownPem(),
    ...(svid === undefined ? {} : { trustDomains: svid.trustDomains() }),
  });
  const serverTls = async () => {
    const material = await newest();
    held.set(material);
    return serverTlsOf(material);
  };

  function keepFresh(
    rpc: Pick<RpcServer, "rotate">,
    log: Logger,
    onTrust: () => void = () => {},
  ): Upkeep {
    if (settings.tlsMode === "off") return { renew: () => Promise.resolve(), stop: () => {} };
    let issuedAtMs = clock.nowMs();
    let trusted = bundlePem();
    const renew = async () => {
      try {
        configured = configuredCa(settings);
        const material = await newest();
        rpc.rotate(serverTlsOf(material));
        held.set(material);
        issuedAtMs = clock.nowMs();
        trusted = bundlePem();
        onTrust();
        log.info("certificates of the API listener renewed");
      } catch (error) {
        log.error("certificates of the API listener could not be renewed", {
          error: error instanceof Error ? error.message : String(error),
        });
      }
    };
    const refresh = async () => {
      const isDue = clock.nowMs() - issuedAtMs > RENEW_AFTER_MS;
      if (isDue || bundlePem() !== trusted) await renew();
    };
    let timer: TimerHandle = clock.setTimer(CHECK_INTERVAL_MS, onTimer);
    function onTimer(): void {
      timer = clock.setTimer(CHECK_INTERVAL_MS, onTimer);
      void refresh();
    }
    const stop = replica.onApplied(({ writes, restored }) => {
      if (restored || writes.ca_bundle.size > 0) void refresh();
    });
    const leaveSvid = svid?.onChange(() => void renew());
    return {
      renew,
      stop: () => {
        leaveSvid?.();
        stop();
        clock.clearTimer(timer);
      },
    };
  }

  return { bundlePem, leavingPem, source: held, serverTls, keepFresh };
}

function serverTlsOf(
  { certPem, keyPem, trustPem, trustDomains }: CertificateMaterial,
): ServerTls {
  return { certPem, keyPem, clientCaPem: trustPem, ...(trustDomains && { trustDomains }) };
}

function configuredCa({ tlsCa }: JournalSettings): string[] {
  return tlsCa === undefined ? [] : splitPemBundle(Deno.readTextFileSync(tlsCa));
}

/** A certificate the journal made for itself lives thirty days; configured files are read again. */
const RENEW_AFTER_MS = 10 * 86_400_000;
