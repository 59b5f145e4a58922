import { decodeJson, encodeJson, JsonReader, type JsonValue } from "../../contracts/mod.ts";

/** An emergency that people opened at the journal (EMG-1), or on this node alone (EMM-8). */
export interface EmergencySession {
  readonly id: string;
  readonly scope: "node" | "vcluster";
  readonly principal: string;
  readonly reason: string;
  /** Of one the journal has not heard of yet: the request it will hear of it by. */
  readonly requestId?: string;
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

  /** The node's own while the journal has not heard of it (EMM-8). */
  get untold(): EmergencySession | undefined {
    const own = this.#open.get("node");
    return own?.requestId === undefined ? undefined : own;
  }

  opened(session: EmergencySession): void {
    this.#open.set(session.scope, session);
    this.#save();
  }

  closed(scope: EmergencySession["scope"]): void {
    if (this.#open.delete(scope)) this.#save();
  }

  /** The journal has taken over the one it had not heard of, under a name of its own. */
  told(id: string): void {
    if (this.untold === undefined) return;
    const { requestId: _told, ...session } = this.untold;
    this.opened({ ...session, id });
  }

  #save(): void {
    this.store.save(encode([...this.#open.values()]));
  }
}

function encode(sessions: readonly EmergencySession[]): string {
  return encodeJson({
    version: VERSION,
    sessions: sessions.map(({ requestId, ...session }) => ({
      ...session,
      ...(requestId === undefined ? {} : { request_id: requestId }),
    })),
  });
}

function decode(text: string): readonly EmergencySession[] {
  const reader = new JsonReader(decodeJson(text), "emergencies");
  const version = reader.whole("version");
  if (version !== VERSION) throw new Error(`the emergencies have version ${version}`);
  return reader.list("sessions", MAX_SESSIONS).map(decodeSession);
}

function decodeSession(value: JsonValue): EmergencySession {
  const reader = new JsonReader(value, "session");
  const requestId = reader.textOrNull("request_id");
  return {
    id: reader.text("id"),
    scope: reader.variant("scope", ["node", "vcluster"] as const),
    principal: reader.text("principal"),
    reason: reader.text("reason"),
    ...(requestId === null ? {} : { requestId }),
  };
}
