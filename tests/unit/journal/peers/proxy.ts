/** A TCP relay on loopback that counts, cuts and freezes what passes through it. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Bytes that went from the dialling side to the dialled one. */
  readonly bytesForward: number;
  /** Ends every connection once that many bytes in all have gone forward; once only. */
  cutAfter(bytesForward: number): void;
  /** Nothing passes any more, and nobody is told, until `thaw`. */
  freeze(): void;
  thaw(): void;
}

/** Relays connections to a port of loopback. */
export function startProxy(targetPort: number): Proxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections = new Set<Deno.Conn>();
  let bytesForward = 0;
  let cutAtBytes = Infinity;
  let thawed: PromiseWithResolvers<void> | undefined;

  const cut = () => {
    for (const connection of connections) close(connection);
    connections.clear();
  };
  const relay = async (from: Deno.Conn, to: Deno.Conn, isForward: boolean) => {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
        await thawed?.promise;
        if (isForward) bytesForward += read;
        if (bytesForward >= cutAtBytes) {
          cutAtBytes = Infinity;
          return cut();
        }
        for (let sent = 0; sent < read;) sent += await to.write(buffer.subarray(sent, read));
      }
    } catch {
      // Either side has gone; the other one is told below.
    } finally {
      close(from);
      close(to);
    }
  };
  const accept = async () => {
    for await (const dialled of listener) {
      try {
        const target = await Deno.connect({ hostname: "127.0.0.1", port: targetPort });
        connections.add(dialled).add(target);
        void relay(dialled, target, true);
        void relay(target, dialled, false);
      } catch {
        close(dialled);
      }
    }
  };
  const accepting = accept();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    get bytesForward() {
      return bytesForward;
    },
    cutAfter: (bytes) => cutAtBytes = bytes,
    freeze: () => thawed ??= Promise.withResolvers<void>(),
    thaw: () => {
      thawed?.resolve();
      thawed = undefined;
    },
    async [Symbol.asyncDispose]() {
      thawed?.resolve();
      listener.close();
      cut();
      await accepting;
    },
  };
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Closed before.
  }
}
