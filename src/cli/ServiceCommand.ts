/** Service mode: a client id of C1 makes the command a connector that waits for C1's tasks. */
import { Config, Effect, FileSystem, Layer, Option, type Redacted } from "effect"
import { tmpdir } from "node:os"
import * as HttpAgent from "../http/HttpAgent.ts"
import { BatonClient } from "../service/BatonClient.ts"
import * as C1Credentials from "../service/C1Credentials.ts"
import * as HealthServer from "../service/HealthServer.ts"
import * as HostInfo from "../service/HostInfo.ts"
import * as Service from "../service/Service.ts"
import { ServiceStatus } from "../service/ServiceStatus.ts"
import { TokenSource } from "../service/TokenSource.ts"
import { Validation } from "../service/Validation.ts"
import { KnownKey } from "./KnownKey.ts"
import { PointOfNoReturn } from "./PointOfNoReturn.ts"
import * as PostHogLayer from "./PostHogLayer.ts"
import * as ServicePostHog from "./ServicePostHog.ts"
import * as ServiceSettings from "./ServiceSettings.ts"
import { SettingInvalid } from "./SettingInvalid.ts"
import * as Settings from "./Settings.ts"
import * as SmallHeap from "./SmallHeap.ts"
import * as Telemetry from "./Telemetry.ts"
import { version } from "./Version.ts"

type Values = Settings.SettingValues & ServiceSettings.ServiceValues

const name = "baton-posthog"
const agent = `${name}/${version}`

const variable = (name: string) =>
  Config.String(name).pipe(
    Config.option,
    Config.map((value) => Option.getOrUndefined(Option.filter(value, (text) => text !== "")))
  )

const credentialsOf = Effect.fnUntraced(function* (clientId: string, secret: Option.Option<Redacted.Redacted<string>>) {
  const { clientSecret } = ServiceSettings
  const given = yield* Effect.fromOption(secret).pipe(
    Effect.mapError(
      () =>
        new SettingInvalid({
          problem: `${clientSecret.name} is missing: ${ServiceSettings.clientId.name} needs it.`,
          fix: `Give it as ${Settings.variableOf(clientSecret.name)}, or as ${clientSecret.name} in .baton.yaml.`
        })
    )
  )
  return yield* C1Credentials.parse(clientId, given)
})

/** C1: a variable that replaces the tenant's host, for the token and for all calls. */
const apiHost = Effect.gen(function* () {
  const host = yield* variable("BATON_C1_API_HOST")
  if (host === undefined || C1Credentials.isHost(host)) return host
  return yield* new SettingInvalid({
    problem: `BATON_C1_API_HOST is no host: ${host}.`,
    fix: "Give host or host:port, without a scheme."
  })
})

/** C1: the variable, which counts also when it is empty, or the name of the machine. 1 to 256 bytes. */
const hostIdOf = Effect.gen(function* () {
  const given = yield* Config.String("BATON_HOST_ID").pipe(Config.option)
  const hostId = Option.isNone(given) ? yield* HostInfo.defaultHostId : given.value === "" ? "baton-sdk" : given.value
  if (Buffer.byteLength(hostId) <= 256) return hostId
  return yield* new SettingInvalid({
    problem: "BATON_HOST_ID is too long.",
    fix: "C1 takes up to 256 bytes."
  })
})

const tempDirOf = Effect.fnUntraced(function* (values: Values) {
  const files = yield* FileSystem.FileSystem
  const directory = Option.getOrUndefined(values.c1zTempDir) ?? (yield* variable("BATON_TMPDIR")) ?? tmpdir()
  const found = yield* files.stat(directory).pipe(Effect.option)
  if (Option.isSome(found) && found.value.type === "Directory") return directory
  return yield* new SettingInvalid({
    problem: `${ServiceSettings.c1zTempDir.name} is no folder that exists: ${directory}.`,
    fix: "Make it, or name another one."
  })
})

/** Root certificates for C1 besides those of Node: `--ca-file`, and what other Baton connectors read, `SSL_CERT_FILE`. */
const trusted = Effect.fnUntraced(function* (values: Values) {
  const files = yield* FileSystem.FileSystem
  const own = yield* Effect.transposeOption(Option.map(values.caFile, (path) => PostHogLayer.readCa(files, path)))
  const path = yield* variable("SSL_CERT_FILE")
  const system = path === undefined ? "" : yield* files.readFileString(path).pipe(Effect.orElseSucceed(() => ""))
  const all = [Option.getOrElse(own, () => ""), system].filter((text) => text.includes("-----BEGIN CERTIFICATE-----"))
  return all.length === 0 ? undefined : all.join("\n")
})

/** The client of C1 as the settings and the environment want it. */
const c1 = (values: Values, credentials: C1Credentials.C1Credentials) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const host = yield* apiHost
      const hostId = yield* hostIdOf
      const ca = yield* trusted(values)
      const proxy = {
        https: yield* PostHogLayer.proxyVariable("HTTPS_PROXY"),
        none: yield* PostHogLayer.proxyVariable("NO_PROXY")
      }
      yield* Effect.logInfo("Service mode").pipe(
        Effect.annotateLogs({ c1: host ?? credentials.host, host_id: hostId, version })
      )
      return BatonClient.layer({ credentials, apiHost: host, hostId, agent, ca, proxy }).pipe(
        Layer.provide(TokenSource.layer({ credentials, apiHost: host, agent })),
        // Not the connections to PostHog, which trust and refuse otherwise.
        Layer.provide(HttpAgent.layer({ ca, proxy }))
      )
    })
  )

/** A supervisor or somebody at the keyboard wants this process to stop. */
const stopSignal = Effect.callback<NodeJS.Signals>((resume) => {
  const onSignal = (signal: NodeJS.Signals) => resume(Effect.succeed(signal))
  process.once("SIGINT", onSignal)
  process.once("SIGTERM", onSignal)
  return Effect.sync(() => {
    process.off("SIGINT", onSignal)
    process.off("SIGTERM", onSignal)
  })
})

/** What C1 decides in service mode, whatever is set here. */
const warnOfIgnored = Effect.fnUntraced(function* (values: Values) {
  const { skipEntitlementsAndGrants, syncResources } = Settings
  const given = [
    ...(values.syncResources.length > 0 ? [syncResources.name] : []),
    ...(values.skipEntitlementsAndGrants ? [skipEntitlementsAndGrants.name] : [])
  ]
  for (const name of given) yield* Effect.logWarning(`${name} has no effect in service mode: C1 says what it wants`)
})

/** Serves C1 until a signal comes, and then ends well once C1 knows of every task that was cut short. */
export const run = Effect.fn("service")(function* (values: Values, clientId: string) {
  SmallHeap.keep()
  const credentials = yield* credentialsOf(clientId, values.clientSecret)
  const connector = ServicePostHog.make(values)
  const { hide } = yield* KnownKey
  const tempDir = yield* tempDirOf(values)
  yield* warnOfIgnored(values)

  const service = Effect.gen(function* () {
    if (values.healthCheck) {
      const address = yield* HealthServer.serve({
        port: values.healthCheckPort,
        bindAddress: values.healthCheckBindAddress
      })
      yield* Effect.logInfo(`Health checks are answered at ${address}`)
    }
    yield* Service.run(connector, {
      build: { name, version },
      taskConcurrency: values.taskConcurrency,
      tempDir,
      redact: hide
    })
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.mergeAll(c1(values, credentials), ServiceStatus.layer, Validation.layer(connector))),
    Effect.provide(PostHogLayer.client(values, (wait) => Effect.logDebug("Request limit", wait))),
    Effect.provide(PostHogLayer.config(values)),
    Effect.provide(Telemetry.layer(values))
  )

  // To be stopped is the usual end of a service, and no interruption of what it was to do.
  yield* (yield* PointOfNoReturn).pass
  const signal = yield* Effect.raceFirst(service, stopSignal)
  yield* Effect.logInfo(`Stopped by ${signal ?? "itself"}`)
})
