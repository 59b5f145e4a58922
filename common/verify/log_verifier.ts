import {
  CHAIN_START,
  type ChainHead,
  type Checked,
  checkHidden,
  checkLink,
  type Checkpoint,
  checkpointBytes,
  type Finding,
  signerOf,
} from "../chain/mod.ts";
import type { JsonValue } from "../json/mod.ts";
import { SignerCertificate, TlsError } from "../certificate/mod.ts";

/** What a log is verified against. */
export interface VerifierOptions {
  /** Certificates the log itself holds for its signers. */
  readonly signerCertificates?: Iterable<string>;
  /** CA certificates the verifier trusts by itself, in PEM. */
  readonly trustedPem?: string | undefined;
  /** An entry and its hash as noted on an earlier run: the log must still have it. */
  readonly noted?: NotedEntry | undefined;
}

/** An entry by its sequence and hash. */
export interface NotedEntry {
  readonly sequence: number;
  readonly hash: string;
}

/** One signer of the log, and what it signed. */
export interface SignerReport {
  /** SHA-256 of its certificate. */
  readonly fingerprint: string;
  readonly subject: string;
  /** Whether its certificate leads to a CA that was trusted beforehand. */
  readonly trusted: boolean;
  readonly checkpoints: number;
  /** The newest entry it signed. */
  readonly newestSequence: number;
}

/** What verifying found out. */
export interface LogReport {
  /** Entries that are what they were written as. */
  readonly entries: number;
  /** Of these, such as show only their place in the chain. */
  readonly hidden: number;
  /** The first entry that was there; undefined in an empty log. */
  readonly firstSequence: number | undefined;
  readonly head: ChainHead;
  /** Signatures that were checked and hold. */
  readonly checkpoints: number;
  readonly signers: readonly SignerReport[];
  /** The newest entry that any signature covers, and the newest that one of a trusted CA does. */
  readonly signedThrough: number | undefined;
  readonly trustedThrough: number | undefined;
  /** The first entry that is not what it was; absent for a log that nobody touched. */
  readonly finding?: Finding;
}

interface Signer {
  readonly certificate: SignerCertificate;
  readonly trusted: boolean;
  checkpoints: number;
  newestSequence: number;
}

/**
 * Verifies a log entry by entry: nothing of it is kept but its checkpoints. After the first finding
 * further entries change nothing.
 */
export class LogVerifier {
  readonly #trustedPem: string | undefined;
  readonly #noted: NotedEntry | undefined;
  readonly #signers = new Map<string, Signer>();
  readonly #checkpoints = new Map<number, Checkpoint>();
  #head = CHAIN_START;
  #first: number | undefined;
  #entries = 0;
  #hidden = 0;
  #checked = 0;
  #signedThrough: number | undefined;
  #trustedThrough: number | undefined;
  #finding: Finding | undefined;

  constructor({ signerCertificates = [], trustedPem, noted }: VerifierOptions = {}) {
    this.#trustedPem = trustedPem;
    this.#noted = noted;
    for (const pem of signerCertificates) this.addSigner(pem);
  }

  /** The first entry that is not what it was. */
  get finding(): Finding | undefined {
    return this.#finding;
  }

  /** What the next entry must be. */
  get head(): ChainHead {
    return this.#head;
  }

  /** Takes in a signer's certificate; one that cannot be read is nobody's. */
  addSigner(certificatePem: string): void {
    const fingerprint = signerOf(certificatePem);
    if (fingerprint === undefined || this.#signers.has(fingerprint)) return;
    try {
      const certificate = new SignerCertificate(certificatePem);
      const trusted = this.#trustedPem !== undefined && certificate.leadsTo(this.#trustedPem);
      this.#signers.set(fingerprint, { certificate, trusted, checkpoints: 0, newestSequence: -1 });
    } catch (error) {
      if (!(error instanceof TlsError)) throw error;
    }
  }

  /** Takes in a signature, before the entry it names. */
  addCheckpoint(checkpoint: Checkpoint): void {
    this.#checkpoints.set(checkpoint.sequence, checkpoint);
  }

  /** For a log of which the beginning is elsewhere: what the first entry says of it is believed. */
  startAt(head: ChainHead): void {
    this.#head = head;
  }

  /** Verifies the next entry. `canonical` is its canonical JSON, for callers that have it. */
  entry(document: JsonValue, canonical?: string): Finding | undefined {
    return this.#take(() => checkLink(this.#head, document, canonical));
  }

  /** Verifies the place of an entry whose content the caller may not see. */
  hiddenEntry(sequence: number, previousHash: string, hash: string): Finding | undefined {
    const found = this.#take(() => checkHidden(this.#head, sequence, previousHash, hash));
    if (found === undefined) this.#hidden++;
    return found;
  }

  /** Ends the log. `entries` is how many there should have been, where something else tells. */
  end(entries?: number): LogReport {
    if (this.#finding === undefined) this.#finding = this.#shortfall(entries);
    return {
      entries: this.#entries,
      hidden: this.#hidden,
      firstSequence: this.#first,
      head: this.#head,
      checkpoints: this.#checked,
      signers: this.#signerReports(),
      signedThrough: this.#signedThrough,
      trustedThrough: this.#trustedThrough,
      ...(this.#finding === undefined ? {} : { finding: this.#finding }),
    };
  }

  #take(check: () => Checked): Finding | undefined {
    if (this.#finding !== undefined) return this.#finding;
    const checked = check();
    if ("finding" in checked) return this.#finding = checked.finding;
    const sequence = this.#head.nextSequence;
    const { hash } = checked.head;
    this.#finding = this.#notedFault(sequence, hash) ?? this.#signatureFault(sequence, hash);
    if (this.#finding !== undefined) return this.#finding;
    this.#first ??= sequence;
    this.#head = checked.head;
    this.#entries++;
    return undefined;
  }

  #notedFault(sequence: number, hash: string): Finding | undefined {
    if (sequence !== this.#noted?.sequence || hash === this.#noted.hash) return undefined;
    const detail = `entry ${sequence} is not the one that was noted: it or one before it was ` +
      "replaced, and the hashes after it computed anew";
    return { sequence, problem: "replaced", detail };
  }

  #signatureFault(sequence: number, hash: string): Finding | undefined {
    const checkpoint = this.#checkpoints.get(sequence);
    if (checkpoint === undefined) return undefined;
    const signature = (detail: string): Finding => ({
      sequence,
      problem: "signature",
      detail: `the signature over entry ${sequence} ${detail}`,
    });
    const signer = this.#signers.get(checkpoint.signer);
    if (signer === undefined) {
      return signature(
        `is by an unknown key: no certificate has the fingerprint ${checkpoint.signer}`,
      );
    }
    const bytes = Uint8Array.fromBase64(checkpoint.signature);
    if (!signer.certificate.verifies(checkpointBytes(checkpoint), bytes)) {
      return signature(`is wrong: it was not made with the key of ${signer.certificate.subject}`);
    }
    if (!signer.certificate.isValidAt(Date.parse(checkpoint.signed_at))) {
      return signature(`was made at ${checkpoint.signed_at}, when its certificate was not valid`);
    }
    if (checkpoint.hash !== hash) return replacedSinceSigned(checkpoint, this.#signedThrough);
    signer.checkpoints++;
    signer.newestSequence = sequence;
    this.#checked++;
    this.#signedThrough = sequence;
    if (signer.trusted) this.#trustedThrough = sequence;
    return undefined;
  }

  /** What is missing at the end. */
  #shortfall(entries: number | undefined): Finding | undefined {
    const { nextSequence: sequence } = this.#head;
    const missing = (why: string): Finding => ({
      sequence,
      problem: "missing",
      detail: `entry ${sequence} is missing: ${why}`,
    });
    let signed = -1;
    for (const each of this.#checkpoints.keys()) signed = Math.max(signed, each);
    if (signed >= sequence) {
      return missing(`the log ends before it, but was signed up to entry ${signed}`);
    }
    if (this.#noted !== undefined && this.#noted.sequence >= sequence) {
      return missing(`the log ends before it, but entry ${this.#noted.sequence} was noted`);
    }
    if (entries !== undefined && entries > sequence) {
      return missing(`the log ends before it, but had ${entries} entries`);
    }
    if (entries !== undefined && entries < sequence) {
      return {
        sequence: entries,
        problem: "order",
        detail: `entry ${entries} is one too many: the log had ${entries} entries`,
      };
    }
    return undefined;
  }

  #signerReports(): SignerReport[] {
    return [...this.#signers]
      .filter(([, { checkpoints }]) => checkpoints > 0)
      .map(([fingerprint, { certificate, trusted, checkpoints, newestSequence }]) => ({
        fingerprint,
        subject: certificate.subject,
        trusted,
        checkpoints,
        newestSequence,
      }))
      .sort((left, right) => left.newestSequence - right.newestSequence);
  }
}

function replacedSinceSigned(
  { sequence, signed_at }: Checkpoint,
  signedThrough: number | undefined,
): Finding {
  const first = (signedThrough ?? -1) + 1;
  const which = first === sequence
    ? `entry ${sequence}`
    : `one of the entries ${first} to ${sequence}`;
  return {
    sequence,
    problem: "replaced",
    detail: `entry ${sequence} is not the one that was signed at ${signed_at}: ${which} was ` +
      "replaced, and the hashes after it computed anew",
  };
}
