import {
  Cause,
  ConfigProvider,
  Console,
  Effect,
  Exit,
  type FileSystem,
  Layer,
  Option,
  type Path,
  type Stdio,
  type Terminal
} from "effect"
import { CliConfig, CliOutput, Command, Flag, GlobalFlag } from "effect/cli"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { UserDirectories } from "effect/persistence"
import { Afterword } from "./Afterword.ts"
import * as ErrorText from "./ErrorText.ts"
import * as InvocationError from "./InvocationError.ts"
import * as KnownKey from "./KnownKey.ts"
import * as Logging from "./Logging.ts"
import * as PointOfNoReturn from "./PointOfNoReturn.ts"
import * as RefusedSettings from "./RefusedSettings.ts"
import * as ServiceSettings from "./ServiceSettings.ts"
import * as Settings from "./Settings.ts"
import * as SettingsFile from "./SettingsFile.ts"
import * as SimulateCommand from "./SimulateCommand.ts"
import { version } from "./Version.ts"

const examples = [
  { command: "baton-posthog simulate", description: "Try it without an account: a PostHog on this machine" },
  {
    command: "baton-posthog --base-url https://us.posthog.com/api/organizations/<organization_id> -f sync.c1z",
    description: "Write an organization into a file for C1 (the key comes from BATON_API_TOKEN)"
  },
  { command: "baton-posthog sync --output ndjson | jq -c .", description: "Stream the records to another program" }
]

const logging = (values: Settings.SettingValues) => Logging.layer({ level: values.logLevel, format: values.logFormat })

/** What a command does is loaded when it is asked for: help, and small commands, start without the others' modules. */
const loaded = <A>(load: () => Promise<A>): Effect.Effect<A> => Effect.promise(load)
const syncCommand = loaded(() => import("./SyncCommand.ts"))
const serviceCommand = loaded(() => import("./ServiceCommand.ts"))

const root = Command.make("baton-posthog").pipe(
  Command.withSharedFlags({ ...Settings.flags, ...ServiceSettings.flags, refused: RefusedSettings.flags }),
  Command.withHandler((values) =>
    RefusedSettings.check(values.refused).pipe(
      Effect.andThen(ServiceSettings.check(values)),
      Effect.andThen(
        Option.match(values.clientId, {
          onNone: () => Effect.flatMap(syncCommand, ({ run }) => run(values, "c1z")),
          onSome: (clientId) => Effect.flatMap(serviceCommand, ({ run }) => run(values, clientId))
        })
      ),
      Effect.provide(logging(values))
    )
  ),
  Command.withDescription(
    "Who can get into what in PostHog, for ConductorOne: reads the members and roles of one organization. Without a subcommand it writes them into a .c1z file, or with a client id does what C1 asks for."
  ),
  Command.withExamples(examples)
)

const sync = Command.make(
  "sync",
  {
    output: Flag.Literals("output", ["c1z", "ndjson"]).pipe(
      Flag.withDescription("A .c1z file (see --file), or one JSON record a line on stdout"),
      Flag.withDefault("c1z")
    )
  },
  Effect.fnUntraced(function* ({ output }) {
    const values = yield* root
    yield* RefusedSettings.check(values.refused)
    const { run } = yield* syncCommand
    yield* run(values, output).pipe(Effect.provide(logging(values)))
  })
).pipe(Command.withDescription("Read the organization once, into a file or as a stream"))

const check = Command.make(
  "check",
  {
    output: Flag.Literals("output", ["text", "json"]).pipe(
      Flag.withDescription("For people, or for machines"),
      Flag.withDefault("text")
    )
  },
  Effect.fnUntraced(function* ({ output }) {
    const values = yield* root
    const { run } = yield* loaded(() => import("./CheckCommand.ts"))
    yield* run(values, output).pipe(Effect.provide(logging(values)))
  })
).pipe(
  Command.withDescription(
    "Find out what would keep a sync from working, and what it would cost, without reading members"
  )
)

const capabilities = Command.make(
  "capabilities",
  {},
  Effect.fnUntraced(function* () {
    const values = yield* root
    const { print } = yield* loaded(() => import("./CapabilitiesCommand.ts"))
    yield* print(values)
  })
).pipe(Command.withDescription("Print what this connector can do, as JSON for C1"))

const healthCheck = Command.make(
  "health-check",
  {
    endpoint: Flag.Literals("endpoint", ["health", "ready", "live"]).pipe(
      Flag.withDescription("Whether PostHog can be read, C1 is there, or the service runs at all"),
      Flag.withDefault("health")
    ),
    timeout: Flag.Int("timeout").pipe(
      Flag.withDescription("How many seconds to wait for the answer"),
      Flag.withMetavar("N"),
      Flag.withDefault(5)
    )
  },
  Effect.fnUntraced(function* ({ endpoint, timeout }) {
    const values = yield* root
    const { run } = yield* loaded(() => import("./HealthCheckCommand.ts"))
    yield* run(values, endpoint, timeout)
  })
).pipe(Command.withDescription("Ask a running service how it does, as supervisors do"))

const config = Command.make("config", {}, () =>
  Effect.flatMap(
    loaded(() => import("./ConfigCommand.ts")),
    ({ print }) => print
  )
).pipe(Command.withDescription("Print the settings that C1 asks for, as JSON"))

/** The whole command. */
export const command = root.pipe(
  Command.withSubcommands([sync, check, capabilities, config, healthCheck, SimulateCommand.command])
)

/** Help that was asked for goes to stdout; a wrong invocation gets a few lines on stderr, and never a record's place. */
const presenter = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Effect.forEach(event.errors, (error) => Console.error(InvocationError.format(error))).pipe(
          Effect.andThen(Console.error(`Try: ${event.commandPath.join(" ")} --help`))
        )
      : CliOutput.defaultPresenter.present(event)
})

/** `--log-level` is one of our settings, since variables and the file give it as well; there is no wizard. */
const cliConfig = CliConfig.layer({
  builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions]
})

/**
 * Runs the command with the arguments of `Stdio` and the given environment; errors are told on stderr, in words. `onEnd`
 * is told how it ended, which after an interruption that came too late is not what the fiber that runs this says.
 */
export const main = (
  environment: Readonly<Record<string, string | undefined>>,
  onEnd: (exit: Exit.Exit<void, unknown>) => void = () => undefined
): Effect.Effect<
  void,
  unknown,
  FileSystem.FileSystem | Path.Path | Terminal.Terminal | ChildProcessSpawner | Stdio.Stdio
> =>
  Command.run(command, { version }).pipe(
    Effect.provide(
      Layer.mergeAll(
        presenter,
        cliConfig,
        ConfigProvider.layer(SettingsFile.provider(environment)),
        UserDirectories.layer
      )
    ),
    Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : tell(exit.cause))),
    Effect.provide(Afterword.layer),
    // Until the settings are known; nothing but records may ever come to stdout.
    Effect.provide(Logging.layer({ level: "info", format: Option.none() })),
    KnownKey.guard,
    (program) => PointOfNoReturn.guard(program, onEnd)
  )

/** Says what went wrong, and what there is to say afterwards. */
const tell = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
  if (isToldAlready(cause)) return
  const { failed, interrupted } = yield* (yield* Afterword).said
  if (Cause.hasInterruptsOnly(cause)) {
    return yield* Console.error(interrupted === undefined ? "Interrupted." : `Interrupted. ${interrupted}`)
  }
  yield* Console.error(ErrorText.of(cause))
  if (failed !== undefined) yield* Console.error(`  ${failed}`)
})

const isToldAlready = (cause: Cause.Cause<unknown>): boolean => {
  const error = Cause.squash(cause)
  return (
    typeof error === "object" &&
    error !== null &&
    "_tag" in error &&
    (error._tag === "ShowHelp" || error._tag === "BrokenPipe")
  )
}
