import type { DescMethodServerStreaming, DescMethodUnary, DescService } from "@bufbuild/protobuf";
import {
  type ConnectRouter,
  createMethodImplSpec,
  createServiceImplSpec,
  type MethodImpl,
  type MethodImplSpec,
} from "@connectrpc/connect";

/** Hears of a unary method; `readMaxBytes` is its own limit, where it was given one. */
export type OnUnaryMethod = (
  method: DescMethodUnary,
  implementation: MethodImpl<DescMethodUnary>,
  readMaxBytes: number | undefined,
) => void;

/** Hears of a server stream, likewise. */
export type OnServerStream = (
  method: DescMethodServerStreaming,
  implementation: MethodImpl<DescMethodServerStreaming>,
  readMaxBytes: number | undefined,
) => void;

/** Who hears of which methods. */
export interface RouteWatchers {
  onUnary: OnUnaryMethod;
  onServerStream: OnServerStream;
}

/**
 * A router that also tells of the methods registered with it, which the router itself hands
 * out only wrapped for its own protocols.
 */
export function watchRoutes(
  router: ConnectRouter,
  { onUnary, onServerStream }: RouteWatchers,
): ConnectRouter {
  const tell = (spec: MethodImplSpec, readMaxBytes: number | undefined) => {
    if (spec.kind === "unary") onUnary(spec.method, spec.impl, readMaxBytes);
    if (spec.kind === "server_streaming") onServerStream(spec.method, spec.impl, readMaxBytes);
  };
  const watched: ConnectRouter = {
    handlers: router.handlers,
    service(service, implementation, options) {
      router.service(service, implementation, options);
      const { methods } = createServiceImplSpec<DescService>(service, implementation);
      Object.values(methods).forEach((spec) => tell(spec, options?.readMaxBytes));
      return this;
    },
    rpc(method, implementation, options) {
      router.rpc(method, implementation, options);
      tell(createMethodImplSpec(method, implementation), options?.readMaxBytes);
      return this;
    },
  };
  return watched;
}
