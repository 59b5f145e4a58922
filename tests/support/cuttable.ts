/**
 * A way to a TCP server that can be cut: nothing comes through any more, in neither direction, and
 * nobody is told. Connections that were open then stay so, and end when it heals. Ends with its scope.
 */
export class CuttableWay implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  #isCut = false;
  #lostBytes = 0;

  /** @param address `HOST:PORT` of the server. */
  constructor(private readonly address: string) {
    this.#accepting = this.#accept();
  }

  /** Where to connect. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** How much was sent, by either side, and did not come through. */
  get lostBytes(): number {
    return this.#lostBytes;
  }

  cut(): void {
    this.#isCut = true;
  }

  heal(): void {
    this.#isCut = false;
    this.#closeAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#closeAll();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) void this.#serve(client);
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    try {
      const [hostname = "", port] = this.address.split(":");
      const server = await Deno.connect({ hostname, port: Number(port) });
      this.#open.add(server);
      await Promise.all([this.#pass(client, server), this.#pass(server, client)]);
    } catch {
      this.#close(client);
    }
  }

  async #pass(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
        if (this.#isCut) {
          this.#lostBytes += read;
          continue;
        }
        for (let at = 0; at < read;) at += await to.write(buffer.subarray(at, read));
      }
    } catch {
      // One of the two has ended.
    } finally {
      this.#close(from);
      this.#close(to);
    }
  }

  #closeAll(): void {
    for (const connection of [...this.#open]) this.#close(connection);
  }

  #close(connection: Deno.TcpConn): void {
    if (!this.#open.delete(connection)) return;
    connection.close();
  }
}
