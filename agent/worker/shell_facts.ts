import type { agentport, stream } from "../../api/mod.ts";
import type { Shell } from "./shell.ts";

/** Where they go. */
export type InformedShell = Pick<Shell, "recallIssuer" | "takeIssuer" | "allow" | "useIdentity">;

/**
 * What the shell is to know, whether it is loaded yet or not: the newest of each kind is kept for a shell
 * that comes later.
 */
export class ShellFacts {
  #shell: InformedShell | undefined;
  #recalled: stream.TokenIssuer | undefined;
  #told: { readonly issuer: stream.TokenIssuer | undefined } | undefined;
  #addresses: agentport.ShellAddresses | undefined;
  #identity: agentport.NodeIdentity | undefined;

  /** Tells the shell what is known, and from now on whatever comes. */
  tell(shell: InformedShell): void {
    this.#shell = shell;
    if (this.#recalled !== undefined) shell.recallIssuer(this.#recalled);
    if (this.#told !== undefined) shell.takeIssuer(this.#told.issuer);
    if (this.#addresses !== undefined) shell.allow(this.#addresses);
    if (this.#identity !== undefined) shell.useIdentity(this.#identity);
  }

  recallIssuer(issuer: stream.TokenIssuer): void {
    this.#recalled = issuer;
    this.#shell?.recallIssuer(issuer);
  }

  takeIssuer(issuer: stream.TokenIssuer | undefined): void {
    this.#told = { issuer };
    this.#shell?.takeIssuer(issuer);
  }

  allow(addresses: agentport.ShellAddresses): void {
    this.#addresses = addresses;
    this.#shell?.allow(addresses);
  }

  useIdentity(identity: agentport.NodeIdentity): void {
    this.#identity = identity;
    this.#shell?.useIdentity(identity);
  }
}
