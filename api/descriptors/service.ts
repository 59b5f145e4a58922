import type { EnumOfFile } from "./enum.ts";
import type { ProtoFile } from "./file.ts";
import type { MessageOfFile } from "./message.ts";
import { qualified, safeName, typeNameOf } from "./names.ts";
import { withoutProto } from "./proto.ts";
import type { ProtoSlices } from "./proto_slices.ts";

/** Field numbers of google.protobuf.ServiceDescriptorProto and its options. */
const NAME = 1, METHOD = 2, OPTIONS = 3;
/** Those of MethodDescriptorProto and of its options. */
const INPUT = 2, OUTPUT = 3, METHOD_OPTIONS = 4, CLIENT_STREAMING = 5, SERVER_STREAMING = 6;
const DEPRECATED = 33, IDEMPOTENCY = 34;

interface Method {
  readonly kind: "rpc";
  readonly name: string;
  readonly localName: string;
  readonly parent: ServiceOfFile;
  readonly methodKind: "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";
  readonly input: MessageOfFile;
  readonly output: MessageOfFile;
  readonly idempotency: number;
  readonly deprecated: boolean;
  readonly proto: never;
  toString(): string;
}

/** A service; its methods are read when somebody asks for them. */
export class ServiceOfFile {
  readonly kind = "service";
  #read: ProtoSlices | undefined;
  #methods: readonly Method[] | undefined;
  #method: Readonly<Record<string, Method>> | undefined;

  constructor(readonly file: ProtoFile, private readonly slices: () => ProtoSlices) {}

  get name(): string {
    return this.#slices.text(NAME);
  }

  get typeName(): string {
    return qualified(this.file.package, this.name);
  }

  get deprecated(): boolean {
    return this.#slices.options(OPTIONS).isSet(DEPRECATED);
  }

  get methods(): readonly Method[] {
    return this.#methods ??= this.#slices.all(METHOD).map((method) => this.#readMethod(method));
  }

  /** By local name. */
  get method(): Readonly<Record<string, Method>> {
    return this.#method ??= Object.fromEntries(
      this.methods.map((method) => [method.localName, method]),
    );
  }

  get proto(): never {
    return withoutProto(this);
  }

  toString(): string {
    return `service ${this.typeName}`;
  }

  get #slices(): ProtoSlices {
    return this.#read ??= this.slices();
  }

  #readMethod(slices: ProtoSlices): Method {
    const name = slices.text(NAME);
    const options = slices.options(METHOD_OPTIONS);
    const { file } = this;
    let input: MessageOfFile | undefined;
    let output: MessageOfFile | undefined;
    return {
      kind: "rpc",
      name,
      localName: safeName(name.slice(0, 1).toLowerCase() + name.slice(1)),
      parent: this,
      methodKind: methodKind(slices.isSet(CLIENT_STREAMING), slices.isSet(SERVER_STREAMING)),
      // Not before the first call: a client is made of every method of its service.
      get input() {
        return input ??= messageOf(file.type(typeNameOf(slices.text(INPUT))));
      },
      get output() {
        return output ??= messageOf(file.type(typeNameOf(slices.text(OUTPUT))));
      },
      idempotency: options.number(IDEMPOTENCY) ?? 0,
      deprecated: options.isSet(DEPRECATED),
      get proto() {
        return withoutProto(this);
      },
      toString: () => `rpc ${this.typeName}.${name}`,
    };
  }
}

function methodKind(isStreamIn: boolean, isStreamOut: boolean): Method["methodKind"] {
  if (isStreamIn) return isStreamOut ? "bidi_streaming" : "client_streaming";
  return isStreamOut ? "server_streaming" : "unary";
}

/** @throws {Error} for an enum, which stands nowhere where a message must */
function messageOf(type: MessageOfFile | EnumOfFile): MessageOfFile {
  if (type.kind === "message") return type;
  throw new Error(`${type} stands where a message must`);
}
