/**
 * Name and `ignore` of a test that not every machine can run; where it cannot, the name says why.
 *
 * @param isMet Whether this machine has what the test needs.
 * @param need What that is, as in "needs root".
 */
export function needing(
  isMet: boolean,
  need: string,
  name: string,
): { readonly name: string; readonly ignore: boolean } {
  return isMet
    ? { name, ignore: false }
    : { name: `${name} (ignored: needs ${need})`, ignore: true };
}
