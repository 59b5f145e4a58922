/**
 * The bytes of a section of a 64-bit little-endian ELF file (elf(5)); undefined when it has none of
 * that name or is no such file.
 */
export function readElfSection(file: Uint8Array, name: string): Uint8Array | undefined {
  const isElf64 = [0x7f, 0x45, 0x4c, 0x46, 2, 1].every((byte, index) => file[index] === byte);
  if (!isElf64) return undefined;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const tableAt = Number(view.getBigUint64(0x28, true));
  const entryBytes = view.getUint16(0x3a, true);
  const count = view.getUint16(0x3c, true);
  const section = (index: number) => {
    const at = tableAt + index * entryBytes;
    const start = Number(view.getBigUint64(at + 0x18, true));
    const size = Number(view.getBigUint64(at + 0x20, true));
    return { nameAt: view.getUint32(at, true), bytes: file.subarray(start, start + size) };
  };
  const names = section(view.getUint16(0x3e, true)).bytes;
  for (let index = 0; index < count; index++) {
    const { nameAt, bytes } = section(index);
    const nameEnd = names.indexOf(0, nameAt);
    if (new TextDecoder().decode(names.subarray(nameAt, nameEnd)) === name) return bytes;
  }
  return undefined;
}
