import { z } from "zod";
import type { PolicyData } from "../data.ts";
import type { OpaClient } from "./client.ts";

const RevisionSchema = z.object({ result: z.object({ id: z.string() }).optional() });

/**
 * Keeps the data of a server up to date (OPA-9). A document `data.pact.revision` says what it was
 * told last; a server that started anew does not have it.
 */
export class DataFeed {
  #revision = "";
  #isChanged = true;

  constructor(
    private readonly client: OpaClient,
    private readonly data: () => PolicyData,
  ) {}

  /** What the data is made from has changed. */
  markChanged(): void {
    this.#isChanged = true;
  }

  /**
   * Tells the server what it does not know.
   *
   * @throws {EngineUnavailable} when it does not take it.
   */
  async bringUpToDate(timeoutMs: number): Promise<void> {
    if (!this.#isChanged && await this.#isKnown(timeoutMs)) return;
    this.#isChanged = false;
    try {
      const { roles, vclusters } = this.data();
      await this.#put("roles", roles, timeoutMs);
      await this.#put("vclusters", vclusters, timeoutMs);
      this.#revision = crypto.randomUUID();
      await this.#put("revision", { id: this.#revision }, timeoutMs);
    } catch (error) {
      this.#isChanged = true;
      throw error;
    }
  }

  async #isKnown(timeoutMs: number): Promise<boolean> {
    const answer = await this.client.ask({
      method: "GET",
      path: "v1/data/pact/revision",
      timeoutMs,
    });
    const parsed = RevisionSchema.safeParse(answer);
    return parsed.success && parsed.data.result?.id === this.#revision;
  }

  async #put(name: string, body: unknown, timeoutMs: number): Promise<void> {
    await this.client.ask({ method: "PUT", path: `v1/data/pact/${name}`, body, timeoutMs });
  }
}
