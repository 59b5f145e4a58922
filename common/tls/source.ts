import type { SecretPem } from "../secret/mod.ts";

/** What a party shows of itself, and whom it trusts, at one moment. */
export interface CertificateMaterial {
  /** The certificate, then the chain to present with it. */
  readonly certPem: string;
  readonly keyPem: SecretPem;
  /** CAs whose certificates are accepted. */
  readonly trustPem: string;
  /** SPIFFE trust domains that vouch for their own names, as PEM. */
  readonly trustDomains?: ReadonlyMap<string, string>;
}

/**
 * Where certificates come from: files, the journal's own CA, enrolment, SPIRE. Whoever presents them
 * takes what is current for new handshakes and follows the changes; live streams go on (CRT-8).
 */
export interface CertificateSource {
  /** Undefined until there is any. */
  current(): CertificateMaterial | undefined;
  /** Calls `listener` after each change; the returned function ends that. */
  onChange(listener: (material: CertificateMaterial) => void): () => void;
}

/** A source that is told what is current. */
export class HeldCertificate implements CertificateSource {
  readonly #listeners = new Set<(material: CertificateMaterial) => void>();
  #material: CertificateMaterial | undefined;

  current(): CertificateMaterial | undefined {
    return this.#material;
  }

  onChange(listener: (material: CertificateMaterial) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Takes `material` into use and tells whoever follows. */
  set(material: CertificateMaterial): void {
    this.#material = material;
    for (const listener of [...this.#listeners]) listener(material);
  }
}
