import type { DescFile } from "@bufbuild/protobuf";
import { fileDesc } from "@bufbuild/protobuf/codegenv2";
import {
  file_google_protobuf_duration,
  file_google_protobuf_timestamp,
} from "@bufbuild/protobuf/wkt";
import { repositoryRoot } from "../../support/mod.ts";

const FILE = /export const (file_\w+): GenFile = [^"]*"([^"]+)"(?:, \[([^\]]*)\])?\);/;

/**
 * The schemas of `api/gen/` as the protobuf package itself reads them, by the name of their constant:
 * with the messages of descriptor.proto, and to compare pact's own reading with.
 */
export async function packageSchemas(): Promise<ReadonlyMap<string, DescFile>> {
  const sources = new Map<string, { base64: string; imports: readonly string[] }>();
  for (const text of await generated(`${repositoryRoot}api/gen`)) {
    const [, name = "", base64 = "", imports = ""] = FILE.exec(text) ?? [];
    sources.set(name, { base64, imports: imports.split(", ").filter((word) => word !== "") });
  }
  const read = new Map<string, DescFile>([
    ["file_google_protobuf_duration", file_google_protobuf_duration],
    ["file_google_protobuf_timestamp", file_google_protobuf_timestamp],
  ]);
  const file = (name: string): DescFile => {
    const known = read.get(name);
    if (known !== undefined) return known;
    const source = sources.get(name);
    if (source === undefined) throw new Error(`api/gen has no ${name}`);
    const desc = fileDesc(source.base64, source.imports.map(file));
    read.set(name, desc);
    return desc;
  };
  return new Map([...sources.keys()].map((name) => [name, file(name)]));
}

async function generated(folder: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) texts.push(...await generated(path));
    else texts.push(await Deno.readTextFile(path));
  }
  return texts;
}
