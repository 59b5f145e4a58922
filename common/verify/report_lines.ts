import type { LogReport, SignerReport } from "./log_verifier.ts";

/** What verifying found out, for people: a line for each thing, the conclusion last. */
export function reportLines(report: LogReport): string[] {
  const { entries, hidden, head, firstSequence = 0 } = report;
  if (entries === 0) return ["Entries:    none", conclusion(report)];
  const range = `${firstSequence} to ${head.nextSequence - 1}`;
  const unseen = hidden === 0 ? "" : `; of ${hidden} only their place may be seen`;
  return [
    `Entries:    ${entries}, ${range}${unseen}`,
    `Head hash:  ${head.hash}`,
    `Signatures: ${signatureText(report)}`,
    ...report.signers.map(signerLine),
    ...(report.finding === undefined ? [conclusion(report)] : []),
  ];
}

function signatureText({ checkpoints, signedThrough, head }: LogReport): string {
  if (signedThrough === undefined) return "none";
  const after = head.nextSequence - 1 - signedThrough;
  const unsigned = after === 0 ? "" : `, ${after} after it not signed`;
  return `${checkpoints}, the newest over entry ${signedThrough}${unsigned}`;
}

function signerLine(signer: SignerReport): string {
  const standing = signer.trusted ? "trusted" : "known from the log alone";
  return `  ${signer.subject} (${standing}): ${signer.checkpoints}, the newest over entry ` +
    `${signer.newestSequence}, certificate ${signer.fingerprint}`;
}

function conclusion({ trustedThrough, signedThrough }: LogReport): string {
  if (trustedThrough !== undefined) {
    return `Untouched: a trusted CA signed everything up to entry ${trustedThrough}.`;
  }
  return signedThrough === undefined
    ? "Unbroken, but without a signature: whoever wrote all of it anew could have made it so."
    : "Unbroken, and signed by CAs known from the log alone: give --ca to say which are trusted.";
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
