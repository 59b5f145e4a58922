import assert from "node:assert/strict";
import { runPact } from "../../../cli/mod.ts";
import {
  type AgentScript,
  createTestPki,
  type JournalScript,
  type RecordedCall,
  startScriptedAgent,
  startScriptedJournal,
  tempDir,
  type TestPki,
} from "../../support/mod.ts";
import { memoryHost, TEST_NOW } from "./memory_host.ts";

/** Set to rewrite the golden files from what the commands print now; read the diff before keeping. */
const UPDATE = Deno.env.get("PACT_UPDATE_GOLDEN") === "1";

const GOLDEN = new URL("golden/", import.meta.url);

let sharedPki: Promise<TestPki> | undefined;

/** One CA for all tests of a file: making keys costs more than most tests. */
export function pki(): Promise<TestPki> {
  sharedPki ??= createTestPki();
  return sharedPki;
}

/** A command with the servers it talks to. */
export interface Scenario {
  readonly args: readonly string[];
  /** Undefined: no journal listens. */
  readonly journal?: JournalScript;
  readonly agents?: Readonly<Record<string, AgentScript>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly terminal?: boolean;
  /** Files beside the configuration, by name. `DIR/NAME` in the arguments means such a file. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Added to the configuration file. */
  readonly config?: string;
  /** Stands for Ctrl-C. */
  readonly signal?: AbortSignal;
  /** Ctrl-C as soon as stdout has this. */
  readonly interruptAt?: string;
}

/** How a command ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
  readonly journalCalls: readonly RecordedCall[];
  readonly agentCalls: Readonly<Record<string, readonly RecordedCall[]>>;
}

/** A token that no one verifies: what it claims is what `pact whoami` shows. */
export function testToken(claims: Readonly<Record<string, unknown>> = {}): string {
  const part = (value: object) =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
  const payload = {
    sub: "alice@example.org",
    pact_role: "pact-platform-admin",
    exp: TEST_NOW / 1000 + 8 * 3600,
    ...claims,
  };
  return `${part({ alg: "HS256" })}.${part(payload)}.c2ln`;
}

/** Runs one command against its scripted servers. */
export async function runScenario(scenario: Scenario): Promise<Outcome> {
  await using dir = await tempDir();
  await using stack = new AsyncDisposableStack();
  const certificates = await pki();
  await Deno.writeTextFile(dir.file("ca.crt"), certificates.caPem);
  for (const [name, content] of Object.entries(scenario.files ?? {})) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(dir.file(name), bytes);
  }
  const journal = scenario.journal === undefined
    ? undefined
    : stack.use(await startScriptedJournal(certificates, scenario.journal));
  const agentCalls: Record<string, readonly RecordedCall[]> = {};
  const addresses: string[] = [];
  for (const [node, script] of Object.entries(scenario.agents ?? {})) {
    const agent = stack.use(await startScriptedAgent(certificates, node, script));
    agentCalls[node] = agent.calls;
    addresses.push(`"${node}" = "127.0.0.1:${agent.port}"`);
  }
  await Deno.writeTextFile(
    dir.file("cli.toml"),
    [
      scenario.config ?? "",
      // A port that nothing listens on, so that a local agent of this machine is never asked.
      `[agents]\nport = 1\naddresses = { ${addresses.join(", ")} }`,
    ].join("\n"),
  );
  const { interruptAt } = scenario;
  const interrupt = new AbortController();
  const host = memoryHost({
    env: {
      HOME: dir.path,
      PACT_CONFIG: dir.file("cli.toml"),
      PACT_CA_FILE: dir.file("ca.crt"),
      PACT_ENDPOINT: journal?.url ?? "https://127.0.0.1:1",
      PACT_TOKEN: testToken(),
      ...(scenario.journal?.lattice !== undefined && { PACT_LATTICE_ENDPOINT: journal?.url ?? "" }),
      ...scenario.env,
    },
    ...(scenario.stdin !== undefined && { stdin: scenario.stdin }),
    ...(scenario.terminal !== undefined && { terminal: scenario.terminal }),
    onStdout: (text) => {
      if (interruptAt !== undefined && text.includes(interruptAt)) interrupt.abort();
    },
  });
  const args = scenario.args.map((arg) => arg.replace(/^DIR\//, `${dir.path}/`));
  const signal = scenario.signal ?? interrupt.signal;
  const code = await runPact(args, host, signal);
  const text = (bytes: Uint8Array) =>
    new TextDecoder().decode(bytes)
      .replaceAll(journal?.url ?? "https://127.0.0.1:1", "https://journal:9443")
      .replaceAll(dir.path, "DIR")
      .replaceAll(/127\.0\.0\.1:\d{4,5}/g, "127.0.0.1:PORT");
  return {
    code,
    stdout: text(host.written.stdout),
    stderr: text(host.written.stderr),
    stdoutBytes: host.written.stdout,
    journalCalls: journal?.calls ?? [],
    agentCalls,
  };
}

/**
 * Runs a command in text and in JSON form and compares everything it prints, and its exit codes,
 * with a golden file (ACC-C1).
 */
export async function assertGolden(name: string, scenario: Scenario): Promise<void> {
  const transcripts: string[] = [];
  for (const args of [scenario.args, ["--output", "json", ...scenario.args]]) {
    const { code, stdout, stderr } = await runScenario({ ...scenario, args });
    const parts = [`$ pact ${args.map(quoted).join(" ")}\n`, stdout];
    if (stdout !== "" && !stdout.endsWith("\n")) parts.push("(no newline)\n");
    if (stderr !== "") parts.push(`--- stderr\n${stderr}`);
    parts.push(`--- exit ${code}\n`);
    transcripts.push(parts.join(""));
  }
  const actual = transcripts.join("\n");
  const file = new URL(`${name}.txt`, GOLDEN);
  if (UPDATE) {
    await Deno.writeTextFile(file, actual);
    return;
  }
  assert.equal(actual, await Deno.readTextFile(file), `golden file ${name}.txt`);
}

function quoted(arg: string): string {
  return /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg}'`;
}
