import { decodeJson, encodeJson, JsonReader, type JsonValue } from "../../contracts/mod.ts";

/** An emergency that people opened at the journal (EMG-1). */
export interface EmergencySession {
  readonly id: string;
  readonly scope: "node" | "vcluster";
  readonly principal: string;
  readonly reason: string;
}

/** Where the sessions are kept, so that a new agent knows them (INI-31). */
export interface SessionStore {
  load(): string | undefined;
  save(text: string): void;
}

const VERSION = 1;
const MAX_SESSIONS = 2;

/** The emergencies that cover this node: its own and its vCluster's. */
export class EmergencySessions {
  readonly #open = new Map<EmergencySession["scope"], EmergencySession>();

  /** @throws {Error} when what was kept is malformed */
  constructor(private readonly store: SessionStore) {
    const kept = store.load();
    if (kept === undefined) return;
    for (const session of decode(kept)) this.#open.set(session.scope, session);
  }

  /** The one that covers this node; its own before that of the vCluster. */
  get current(): EmergencySession | undefined {
    return this.#open.get("node") ?? this.#open.get("vcluster");
  }

  opened(session: EmergencySession): void {
    this.#open.set(session.scope, session);
    this.store.save(encode([...this.#open.values()]));
  }

  closed(scope: EmergencySession["scope"]): void {
    this.#open.delete(scope);
    this.store.save(encode([...this.#open.values()]));
  }
}

function encode(sessions: readonly EmergencySession[]): string {
  return encodeJson({ version: VERSION, sessions: sessions.map((session) => ({ ...session })) });
}

function decode(text: string): readonly EmergencySession[] {
  const reader = new JsonReader(decodeJson(text), "emergencies");
  const version = reader.whole("version");
  if (version !== VERSION) throw new Error(`the emergencies have version ${version}`);
  return reader.list("sessions", MAX_SESSIONS).map(decodeSession);
}

function decodeSession(value: JsonValue): EmergencySession {
  const reader = new JsonReader(value, "session");
  return {
    id: reader.text("id"),
    scope: reader.variant("scope", ["node", "vcluster"] as const),
    principal: reader.text("principal"),
    reason: reader.text("reason"),
  };
}
