import type { LogReport, SignerReport } from "./log_verifier.ts";

/** Digits of a fingerprint that tell two certificates apart for people. */
const SHOWN_DIGITS = 16;

/** What verifying found out, for people: a line for each thing, the conclusion last. */
export function reportLines(report: LogReport): string[] {
  const { entries, head, finding } = report;
  if (entries === 0) return ["Entries:    none"];
  return [
    `Entries:    ${entries}, ${rangeText(report)}`,
    `Newest:     ${head.nextSequence - 1}:${head.hash}`,
    `Signatures: ${signatureText(report)}`,
    ...report.signers.map(signerLine),
    ...(finding === undefined ? [conclusion(report)] : []),
  ];
}

function rangeText({ firstSequence = 0, head, hidden }: LogReport): string {
  const range = `${firstSequence} to ${head.nextSequence - 1}`;
  const before = firstSequence === 0 ? "" : "; what came before is not in it";
  const unseen = hidden === 0 ? "" : `; of ${hidden} only their place may be seen`;
  return `${range}${before}${unseen}`;
}

function signatureText({ checkpoints, signedThrough, head }: LogReport): string {
  if (signedThrough === undefined) return "none";
  const after = head.nextSequence - 1 - signedThrough;
  const unsigned = after === 0 ? "" : `, ${after} after it not signed`;
  return `${checkpoints}, the newest over entry ${signedThrough}${unsigned}`;
}

function signerLine({ subject, fingerprint, ...signer }: SignerReport): string {
  const standing = signer.trusted ? "trusted" : "known from the log alone";
  return `  ${fingerprint.slice(0, SHOWN_DIGITS)} ${subject}, ${standing}: ` +
    `${signer.checkpoints}, the newest over entry ${signer.newestSequence}`;
}

function conclusion({ trustedThrough, signedThrough }: LogReport): string {
  if (trustedThrough !== undefined) {
    return `Untouched: a trusted CA signed everything up to entry ${trustedThrough}.`;
  }
  return signedThrough === undefined
    ? "Unbroken, but not signed: whoever wrote all of it anew could have made it so."
    : "Unbroken and signed, but by no CA that was trusted beforehand (--ca).";
}

/** What verifying found out, for programs. */
export function reportJson(report: LogReport) {
  const { finding, head, firstSequence, signedThrough, trustedThrough } = report;
  return {
    verdict: finding !== undefined
      ? "broken"
      : trustedThrough !== undefined
      ? "untouched"
      : signedThrough !== undefined
      ? "signed"
      : "unbroken",
    entries: report.entries,
    hidden: report.hidden,
    first_sequence: firstSequence ?? null,
    last_sequence: report.entries === 0 ? null : head.nextSequence - 1,
    head_hash: head.hash,
    checkpoints: report.checkpoints,
    signed_through: signedThrough ?? null,
    trusted_through: trustedThrough ?? null,
    signers: report.signers.map((signer) => ({
      fingerprint: signer.fingerprint,
      subject: signer.subject,
      trusted: signer.trusted,
      checkpoints: signer.checkpoints,
      newest_sequence: signer.newestSequence,
    })),
    ...(finding === undefined ? {} : { first_bad: { ...finding } }),
  };
}
