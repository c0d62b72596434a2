/** Traces, logs and metrics for an OpenTelemetry collector, where one is named. */
import { Effect, FileSystem, Layer, Option } from "effect"
import { OtlpLogger, OtlpMetrics, OtlpSerialization, OtlpTracer } from "effect/observability"
import * as HttpAgent from "../http/HttpAgent.ts"
import { SettingInvalid } from "./SettingInvalid.ts"
import * as ServiceSettings from "./ServiceSettings.ts"
import { version } from "./Version.ts"

/** C1: the name of a connector's service in traces. */
const resource = { serviceName: "baton-posthog-server", serviceVersion: version }

/** C1: logs are sent every second, and the end waits five seconds for what is left. */
const logInterval = "1 second"
const shutdownTimeout = "5 seconds"

/** The collector's address; what is given without a scheme is `host:port`. */
const baseUrlOf = (endpoint: string, insecure: boolean): Option.Option<URL> => {
  const text = /^[a-z]+:\/\//i.test(endpoint) ? endpoint : `${insecure ? "http" : "https"}://${endpoint}`
  return URL.canParse(text) && /^https?:/.test(text) ? Option.some(new URL(text)) : Option.none()
}

/** The collector's root certificate, from its own setting or from a file. */
const caOf = Effect.fnUntraced(function* (values: ServiceSettings.ServiceValues) {
  if (Option.isNone(values.otelTlsCertPath)) return Option.getOrUndefined(values.otelTlsCert)
  const path = values.otelTlsCertPath.value
  const files = yield* FileSystem.FileSystem
  return yield* files.readFileString(path).pipe(
    Effect.mapError(
      (error) =>
        new SettingInvalid({
          problem: `${ServiceSettings.otelTlsCertPath.name} cannot be read (${error.reason._tag}).`,
          fix: "Name a file of certificates in PEM form."
        })
    )
  )
})

/** Sends what the settings ask for; nothing without a collector. */
export const layer = (values: ServiceSettings.ServiceValues) =>
  Layer.unwrap(
    Effect.gen(function* () {
      if (Option.isNone(values.otelCollectorEndpoint)) return Layer.empty
      const base = baseUrlOf(values.otelCollectorEndpoint.value, values.otelTlsInsecure)
      if (Option.isNone(base)) {
        return yield* new SettingInvalid({
          problem: `${ServiceSettings.otelCollectorEndpoint.name} is no address.`,
          fix: "Give a URL such as https://collector:4318, or host:port."
        })
      }
      if (base.value.port === "4317") {
        yield* Effect.logWarning(
          "Port 4317 is usually OTLP over gRPC; this connector sends OTLP over HTTP, usually 4318"
        )
      }
      const url = (path: string) => `${base.value.href.replace(/\/$/, "")}${path}`
      const logs = OtlpLogger.layer({
        url: url("/v1/logs"),
        resource,
        exportInterval: logInterval,
        shutdownTimeout,
        mergeWithExisting: true
      })
      const traces = OtlpTracer.layer({ url: url("/v1/traces"), resource, shutdownTimeout })
      const metrics = OtlpMetrics.layer({ url: url("/v1/metrics"), resource, shutdownTimeout })
      return Layer.mergeAll(
        metrics,
        values.otelLoggingDisabled ? Layer.empty : logs,
        values.otelTracingDisabled ? Layer.empty : traces
      ).pipe(
        Layer.provide(OtlpSerialization.layerProtobuf),
        Layer.provide(Layer.fresh(HttpAgent.layer({ ca: yield* caOf(values) })))
      )
    })
  )
