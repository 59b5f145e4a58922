import {
  type DescMethod,
  type DescService,
  fromBinary,
  fromJsonString,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import * as api from "../../../api/mod.ts";
import { createTokenVerifier, readKeyDocument } from "../../../common/auth/mod.ts";
import { PactError } from "../../../common/errors/mod.ts";
import {
  createKeyAndCsr,
  parsePeerCertificate,
  splitPemBundle,
  TlsError,
  TrustBundle,
  verifyCsr,
} from "../../../common/tls/mod.ts";
import { entryFromWire, settingsFromWire } from "../../../common/wire/mod.ts";
import { CodecError, decodeMessages, encodeMessages } from "../../../journal/peers/mod.ts";
import { message } from "../../../journal/raft/mod.ts";
import { randomMessageBytes } from "../../support/journal/mod.ts";
import { createTestPki } from "../../support/mod.ts";
import type { FuzzTarget } from "../../support/fuzz/mod.ts";
import { seededRandom } from "../../support/site/mod.ts";

/** Good messages of each kind that are broken. */
const SAMPLES = 12;

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Every method that pact serves. */
export function servedMethods(): DescMethod[] {
  return Object.values(api).flatMap((names) => Object.values(names).filter(isService))
    .filter(({ typeName }) => /^(pact\.|raft_hpc\.|grpc\.health\.)/.test(typeName))
    .flatMap(({ methods }) => methods);
}

/** Every parser of bytes that strangers send, in this process. */
export async function parserTargets(seed: number): Promise<FuzzTarget[]> {
  return [
    ...requestTargets(seed),
    await tokenTarget(),
    await keySetTarget(),
    ...await certificateTargets(),
    raftTarget(),
  ];
}

/** The messages of every call, in both forms, and what becomes of the two that carry documents. */
function requestTargets(seed: number): FuzzTarget[] {
  const random = seededRandom(seed);
  const isRefusal = (error: unknown) => error instanceof Error && !isOverflow(error);
  const perMethod = servedMethods().flatMap((method): FuzzTarget[] => {
    const corpus = Array.from({ length: SAMPLES }, () => randomMessageBytes(method.input, random));
    const name = `${method.parent.typeName}/${method.name}`;
    const json = corpus.flatMap((bytes) => {
      try {
        return [bytesOf(toJsonString(method.input, fromBinary(method.input, bytes)))];
      } catch {
        // Times beyond the year 9999 have no JSON form.
        return [];
      }
    });
    const read = (bytes: Uint8Array) => toBinary(method.input, fromBinary(method.input, bytes));
    return [
      { name, weight: 20, corpus, read, isRefusal },
      {
        name: `${name} as JSON`,
        weight: 8,
        corpus: json,
        read: (bytes) => fromJsonString(method.input, textOf(bytes), { ignoreUnknownFields: true }),
        isRefusal,
      },
    ];
  });
  const samplesOf = (type: Parameters<typeof randomMessageBytes>[0]) =>
    Array.from({ length: SAMPLES * 4 }, () => randomMessageBytes(type, random));
  const { AppendEntryRequestSchema } = api.journal;
  const { UpdatePolicyRequestSchema } = api.policy;
  return [
    ...perMethod,
    {
      name: "an entry as a document",
      weight: 100,
      corpus: samplesOf(AppendEntryRequestSchema),
      read: (bytes) => entryFromWire(readable(AppendEntryRequestSchema, bytes).entry),
      isRefusal: isPactError,
    },
    {
      name: "a policy as a document",
      weight: 60,
      corpus: samplesOf(UpdatePolicyRequestSchema),
      read: (bytes) => {
        const { policy } = readable(UpdatePolicyRequestSchema, bytes);
        return policy === undefined ? undefined : settingsFromWire(policy);
      },
      isRefusal: isPactError,
    },
  ];
}

/** The message, unreadable ones refused as the listener refuses them. */
function readable<
  Type extends
    | typeof api.journal.AppendEntryRequestSchema
    | typeof api.policy.UpdatePolicyRequestSchema,
>(
  type: Type,
  bytes: Uint8Array,
) {
  try {
    return fromBinary(type, bytes);
  } catch (error) {
    if (isOverflow(error)) throw error;
    throw new PactError("INVALID_ARGUMENT", "unreadable");
  }
}

async function tokenTarget(): Promise<FuzzTarget> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const verifier = createTokenVerifier({
    issuer: "https://idp.example",
    audiences: ["pact"],
    keys: [{ algorithms: ["ES256"], keyFor: () => Promise.resolve(publicKey) }],
    claims: { principalClaim: "sub", roleMap: {} },
    nowMs: () => Date.now(),
  });
  const token = (claims: Record<string, unknown>) =>
    new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "1" }).setIssuer(
      "https://idp.example",
    ).setAudience("pact").setSubject("ann").setIssuedAt().setExpirationTime("1h").sign(privateKey);
  const corpus = await Promise.all([
    token({ pact_role: "pact-platform-admin" }),
    token({ groups: ["/pact-ops-ml"], realm_access: { roles: ["pact-viewer-ml"] } }),
    token({ pact_principal_type: "service", org: "eth" }),
  ]);
  return {
    name: "a token",
    weight: 200,
    corpus: corpus.map((each) => bytesOf(`Bearer ${each}`)),
    read: (bytes) => verifier.verifyHeader(textOf(bytes)),
    isRefusal: (error) => error instanceof PactError && error.code === "UNAUTHENTICATED",
  };
}

/** What an identity provider publishes. */
async function keySetTarget(): Promise<FuzzTarget> {
  const { publicKey } = await generateKeyPair("RS256", { extractable: true });
  const keys = [{ ...await exportJWK(publicKey), kid: "1", alg: "RS256" }];
  return {
    name: "a key set",
    weight: 60,
    corpus: [bytesOf(JSON.stringify({ keys }))],
    read: (bytes) => readKeyDocument(JSON.parse(textOf(bytes))),
    isRefusal: (error) => error instanceof SyntaxError || error instanceof TypeError,
  };
}

async function certificateTargets(): Promise<FuzzTarget[]> {
  const pki = await createTestPki();
  const agent = await pki.agent();
  const member = await pki.member(2);
  const { csrDer } = await createKeyAndCsr("node-1");
  const pems = [agent.certPem, member.certPem, pki.caPem, `${pki.caPem}${agent.certPem}`];
  const ders = [agent.certPem, member.certPem, pki.caPem].map((pem) =>
    Uint8Array.fromBase64(pem.replace(/-----[^-]*-----|\s/g, ""))
  );
  const csrPem =
    `-----BEGIN CERTIFICATE REQUEST-----\n${csrDer.toBase64()}\n-----END CERTIFICATE REQUEST-----\n`;
  const bundle = new TrustBundle(pki.caPem);
  const now = new Date();
  const isRefusal = (error: unknown) => error instanceof TlsError;
  return [
    { name: "a certificate", weight: 150, corpus: ders, read: parsePeerCertificate, isRefusal },
    {
      name: "a certificate in PEM",
      weight: 60,
      corpus: pems.map(bytesOf),
      read: (bytes) => parsePeerCertificate(textOf(bytes)),
      isRefusal,
    },
    {
      name: "a certificate under a CA",
      weight: 40,
      corpus: ders,
      read: (bytes) => bundle.verify(bytes, "client", now),
      isRefusal: () => false,
    },
    {
      name: "a bundle in PEM",
      weight: 60,
      corpus: pems.map(bytesOf),
      read: (bytes) => splitPemBundle(textOf(bytes)),
      isRefusal,
    },
    {
      name: "a trust bundle",
      weight: 40,
      corpus: pems.map(bytesOf),
      read: (bytes) => new TrustBundle(textOf(bytes)),
      isRefusal,
    },
    {
      name: "a certificate request",
      weight: 40,
      corpus: [new Uint8Array(csrDer), bytesOf(csrPem)],
      read: verifyCsr,
      isRefusal,
    },
  ];
}

/** What members say to each other. */
function raftTarget(): FuzzTarget {
  const ends = { from: 1, to: 2 };
  const beat = message({ type: "Heartbeat", term: 7, from: 1, to: 2, commit: 41 });
  const append = message({
    ...{ type: "App", term: 7, logTerm: 6, index: 41, from: 1, to: 2 } as const,
    entries: [{ kind: "normal", term: 7, index: 42, data: new Uint8Array(40).fill(7) }],
  });
  const corpus = [[], [beat], [append], [beat, append]].map((each) => encodeMessages(each));
  return {
    name: "messages of a member",
    weight: 60,
    corpus,
    read: (bytes) => decodeMessages(bytes, ends),
    isRefusal: (error) => error instanceof CodecError,
  };
}

/** A message nested so deeply that reading it has used up the stack. */
function isOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes("call stack");
}

function isPactError(error: unknown): boolean {
  return error instanceof PactError && error.code !== "INTERNAL";
}

function isService(value: unknown): value is DescService {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "service";
}
