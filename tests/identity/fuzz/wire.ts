import type { DescMethod } from "@bufbuild/protobuf";
import { METHOD_CREDENTIALS } from "../../../journal/access/mod.ts";
import type { RawAnswer, RawConnection } from "../../support/identity/mod.ts";
import { type FuzzTarget, inputOf } from "../../support/fuzz/mod.ts";
import { framed, randomMessageBytes } from "../../support/journal/mod.ts";
import { seededRandom } from "../../support/site/mod.ts";
import { servedMethods } from "./parsers.ts";

/** Connections to the listeners, and who calls. */
export interface Wire {
  readonly journal: RawConnection;
  readonly agent: RawConnection;
  /** A platform admin's; nodes come with the certificate of the connection. */
  readonly token: string;
}

/** What is sent, and how its text names it. */
interface Shot {
  readonly method: DescMethod;
  readonly form: keyof typeof FORMS;
  readonly body: Uint8Array;
  readonly replay: string;
}

/** The protocols of the listeners, and how a message is put into each. */
const FORMS = {
  grpc: { type: "application/grpc", put: framed },
  "grpc, too long": { type: "application/grpc", put: claimingTooMuch },
  "grpc, compressed": { type: "application/grpc", put: claimingCompression },
  "no frame": { type: "application/grpc", put: (bytes: Uint8Array) => bytes },
  proto: { type: "application/proto", put: (bytes: Uint8Array) => bytes },
  json: { type: "application/json", put: (bytes: Uint8Array) => bytes },
  web: { type: "application/grpc-web", put: framed },
} as const;

const NAMES = Object.keys(FORMS).filter(isForm);

/** Answers that say what was wrong, in gRPC and in HTTP; neither is an internal error. */
const GRPC_STATUSES = new Set([0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16]);
const HTTP_STATUSES = new Set([200, 400, 401, 403, 404, 405, 408, 409, 412, 415, 429, 501, 504]);

/** Calls under way at once. */
const AT_ONCE = 24;

/** Would end the connection of the node that calls, or lock the caller's colleagues out. */
const LEFT_OUT = /DecommissionNode|LockService\/SetLock|SubscribeNotifications|Watch$|Subscribe/;

/** Sends so many inputs; texts of the faults, each with what repeats it. */
export async function fuzzOverTheWire(wire: Wire, count: number, seed: number): Promise<string[]> {
  const faults: string[] = [];
  const shots = shotsOf(count, seed);
  const worker = async () => {
    for (const shot of shots) {
      const fault = faultOf(shot, await send(wire, shot));
      if (fault !== undefined) faults.push(fault);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return faults;
}

function* shotsOf(count: number, seed: number): Generator<Shot, undefined> {
  const random = seededRandom(seed);
  const targets = servedMethods()
    .filter(({ parent }) => parent.typeName !== "raft_hpc.v1.RaftService")
    .map((method) => ({ method, target: targetOf(method, random) }))
    .filter(({ target }) => !LEFT_OUT.test(target.name));
  for (let index = 0; index < count; index++) {
    const { method, target } = targets[index % targets.length] ?? {};
    const form = NAMES[Math.floor(index / targets.length) % NAMES.length];
    if (method === undefined || target === undefined || form === undefined) return;
    const body = FORMS[form].put(inputOf(target, seed, index));
    yield { method, form, body, replay: `seed ${seed}, ${target.name}#${index} as ${form}` };
  }
}

function targetOf(method: DescMethod, random: () => number): FuzzTarget {
  return {
    name: `${method.parent.typeName}/${method.name}`,
    weight: 1,
    corpus: Array.from({ length: 8 }, () => randomMessageBytes(method.input, random)),
    read: () => undefined,
    isRefusal: () => false,
  };
}

function send(wire: Wire, { method, form, body }: Shot): Promise<RawAnswer> {
  const name = `${method.parent.typeName}/${method.name}`;
  const isAgent = method.parent.typeName === "pact.shell.ShellService";
  const credential = METHOD_CREDENTIALS[name] === "mtls"
    ? {}
    : { authorization: `Bearer ${wire.token}` };
  const headers = { "content-type": FORMS[form].type, ...credential };
  return (isAgent ? wire.agent : wire.journal).send(`/${name}`, body, headers);
}

/** What is wrong with an answer: none at all, an internal error, or one that tells of the program. */
function faultOf({ replay }: Shot, answer: RawAnswer): string | undefined {
  if (answer.kind === "no connection") return `${replay}: no answer`;
  if (answer.kind === "open") return undefined;
  const { status } = answer;
  const said = answer.kind === "ended" ? answer.message : answer.text;
  const isClear = answer.kind === "ended" ? GRPC_STATUSES.has(status) : HTTP_STATUSES.has(status);
  const tellsTooMuch = /\.ts:\d|node_modules|\n\s+at \w/.test(said);
  return isClear && !tellsTooMuch ? undefined : `${replay}: ${status} ${said.slice(0, 300)}`;
}

/** A frame that says it holds more than anybody may send. */
function claimingTooMuch(bytes: Uint8Array): Uint8Array {
  const frame = framed(bytes);
  new DataView(frame.buffer).setUint32(1, 0xffff_fff0);
  return frame;
}

function claimingCompression(bytes: Uint8Array): Uint8Array {
  const frame = framed(bytes);
  frame[0] = 1;
  return frame;
}

function isForm(name: string): name is keyof typeof FORMS {
  return Object.hasOwn(FORMS, name);
}
