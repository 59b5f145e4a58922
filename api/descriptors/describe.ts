import type { DescFile, Message } from "@bufbuild/protobuf";
import type {
  GenEnum,
  GenMessage,
  GenService,
  GenServiceMethods,
} from "@bufbuild/protobuf/codegenv2";
import { ProtoFile } from "./file.ts";
import type { MessageOfFile } from "./message.ts";

/** The file that `base64` is the FileDescriptorProto of, and the files that it imports. */
export function fileDesc(base64: string, imports?: readonly DescFile[]): DescFile;
export function fileDesc(base64: string, imports: readonly unknown[] = []): unknown {
  return new ProtoFile(base64, imports.map(ownFile));
}

/** The message that stands at `path` of `file`: its place, then its place in that message, and so on. */
export function messageDesc<Shape extends Message>(
  file: DescFile,
  path: number,
  ...paths: number[]
): GenMessage<Shape>;
export function messageDesc(file: unknown, path: number, ...paths: number[]): unknown {
  return messageAt(ownFile(file), path, paths);
}

/** As {@link messageDesc}; the last of the path is the place among the enums. */
export function enumDesc<Shape extends number>(
  file: DescFile,
  path: number,
  ...paths: number[]
): GenEnum<Shape>;
export function enumDesc(file: unknown, path: number, ...paths: number[]): unknown {
  const last = paths.at(-1);
  if (last === undefined) return ownFile(file).enum(path);
  return messageAt(ownFile(file), path, paths.slice(0, -1)).enum(last);
}

/** The service that stands at `path` of `file`. */
export function serviceDesc<Methods extends GenServiceMethods>(
  file: DescFile,
  path: number,
): GenService<Methods>;
export function serviceDesc(file: unknown, path: number): unknown {
  return ownFile(file).service(path);
}

function messageAt(file: ProtoFile, path: number, paths: readonly number[]): MessageOfFile {
  return paths.reduce((outer, index) => outer.message(index), file.message(path));
}

function ownFile(file: unknown): ProtoFile {
  if (file instanceof ProtoFile) return file;
  throw new Error("a file of the schema that was read by somebody else");
}
