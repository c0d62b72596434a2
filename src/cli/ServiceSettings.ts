/** Settings of service mode: what C1 gives out for a connector, and how a service is watched. */
import { Config, Effect, Option, type Redacted, Struct } from "effect"
import { Flag } from "effect/cli"
import { SettingInvalid } from "./SettingInvalid.ts"
import * as Settings from "./Settings.ts"

export const clientId = Settings.setting(
  "client-id",
  "Client id from C1, which makes this a service of C1: it waits for tasks, and syncs when C1 asks",
  Settings.text("ID")
)

export const clientSecret: Settings.Setting<Option.Option<Redacted.Redacted<string>>> = Settings.setting(
  "client-secret",
  "The secret for client-id; better given as variable or in the file, since process lists show arguments",
  {
    flag: (name) =>
      Flag.Redacted(name).pipe(
        Flag.withMetavar("SECRET"),
        Flag.withFallbackConfig(Config.Redacted(name)),
        Flag.optional
      )
  }
)

const taskConcurrency = Settings.setting(
  "task-concurrency",
  "Tasks of C1 done at the same time",
  Settings.count(3, 1, 100)
)

export const c1zTempDir = Settings.setting(
  "c1z-temp-dir",
  "Existing folder for the files of a sync until C1 has them; BATON_TMPDIR or the system's own unless told",
  Settings.text("DIR")
)

const healthCheck = Settings.setting("health-check", "Answer health checks over HTTP", Settings.flag)

export const healthCheckPort = Settings.setting(
  "health-check-port",
  "Port for health checks",
  Settings.count(8081, 1, 65_535)
)

const healthCheckBindAddress = Settings.setting("health-check-bind-address", "Address for health checks", {
  flag: (name) =>
    Flag.String(name).pipe(
      Flag.withMetavar("ADDRESS"),
      Flag.withFallbackConfig(Config.String(name)),
      Flag.withDefault("127.0.0.1")
    ),
  fallback: "127.0.0.1"
})

export const otelCollectorEndpoint = Settings.setting(
  "otel-collector-endpoint",
  "OpenTelemetry collector for traces, logs and metrics, by OTLP over HTTP: a URL, or host:port for https",
  Settings.text("URL")
)

export const otelTlsCertPath = Settings.setting(
  "otel-collector-endpoint-tls-cert-path",
  "File with the root certificate of the collector, in PEM form",
  Settings.text("FILE")
)

const otelTlsCert = Settings.setting(
  "otel-collector-endpoint-tls-cert",
  "The root certificate of the collector itself, in PEM form",
  Settings.text("PEM")
)

const otelTlsInsecure = Settings.setting(
  "otel-collector-endpoint-tls-insecure",
  "Reach a collector that is given as host:port over http",
  Settings.flag
)

const otelTracingDisabled = Settings.setting("otel-tracing-disabled", "Send no traces", Settings.flag)

const otelLoggingDisabled = Settings.setting("otel-logging-disabled", "Send no logs", Settings.flag)

/** Every setting of service mode, in the order of `--help`. */
export const all = {
  clientId,
  clientSecret,
  taskConcurrency,
  c1zTempDir,
  healthCheck,
  healthCheckPort,
  healthCheckBindAddress,
  otelCollectorEndpoint,
  otelTlsCertPath,
  otelTlsCert,
  otelTlsInsecure,
  otelTracingDisabled,
  otelLoggingDisabled
}

export const flags = Struct.map(
  all,
  Struct.lambda<Settings.FlagOf>((setting) => setting.flag)
)

/** Fails for a secret that no client id stands beside: without one the command would write a file instead. */
export const check = (values: ServiceValues): Effect.Effect<void, SettingInvalid> =>
  Option.isSome(values.clientSecret) && Option.isNone(values.clientId)
    ? Effect.fail(
        new SettingInvalid({
          problem: `${clientId.name} is missing: ${clientSecret.name} needs it.`,
          fix: `Give it as --${clientId.name}, as ${Settings.variableOf(clientId.name)}, or as ${clientId.name} in .baton.yaml.`
        })
      )
    : Effect.void

export type ServiceValues = {
  readonly [K in keyof typeof flags]: (typeof flags)[K] extends Flag.Flag<infer A> ? A : never
}
