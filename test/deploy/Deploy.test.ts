/** What stands in `deploy`, against what the command knows and serves. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { Yaml } from "effect/encoding"
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { spawnSync } from "node:child_process"
import { basename, dirname, join } from "node:path"
import manifest from "../../package.json" with { type: "json" }
import { ExitCode } from "../../src/cli/ExitCode.ts"
import * as ServiceSettings from "../../src/cli/ServiceSettings.ts"
import * as Settings from "../../src/cli/Settings.ts"
import * as SettingsFile from "../../src/cli/SettingsFile.ts"
import { FakeC1 } from "../../src/testing/c1/index.ts"
import { bin, directory, execute, messageOf, start } from "../e2e/Harness.ts"
import { finished, place, syncFull, world } from "../e2e/ServiceProcess.ts"

const root = join(import.meta.dirname, "..", "..")
const read = (name: string) => readFileSync(join(root, "deploy", name), "utf8")

/** Read from the environment as they are; `XDG_STATE_HOME` is everybody's. */
const variables = ["BATON_HOST_ID", "BATON_TMPDIR", "BATON_CONFIG_PATH", "XDG_STATE_HOME"]
const known = [
  ...Object.values({ ...Settings.all, ...ServiceSettings.all }).map(({ name }) => Settings.variableOf(name)),
  ...variables
]

/** Seconds that the end of a service may take: C1 is waited for ten. */
const enoughToStop = 15

describe("kubernetes.yaml", () => {
  const Probe = Schema.Struct({ httpGet: Schema.Struct({ path: Schema.String, port: Schema.String }) })
  const Variable = Schema.Struct({
    name: Schema.String,
    value: Schema.optionalKey(Schema.String),
    valueFrom: Schema.optionalKey(
      Schema.Struct({
        secretKeyRef: Schema.optionalKey(Schema.Struct({ name: Schema.String, key: Schema.String })),
        fieldRef: Schema.optionalKey(Schema.Struct({ fieldPath: Schema.String }))
      })
    )
  })
  const Secret = Schema.Struct({
    kind: Schema.Literal("Secret"),
    metadata: Schema.Struct({ name: Schema.String }),
    stringData: Schema.Record(Schema.String, Schema.String)
  })
  const Container = Schema.Struct({
    env: Schema.Array(Variable),
    ports: Schema.Array(Schema.Struct({ name: Schema.String, containerPort: Schema.Int })),
    startupProbe: Probe,
    readinessProbe: Probe,
    livenessProbe: Probe,
    securityContext: Schema.Unknown,
    volumeMounts: Schema.Array(Schema.Struct({ name: Schema.String, mountPath: Schema.String }))
  })
  const Deployment = Schema.Struct({
    kind: Schema.Literal("Deployment"),
    spec: Schema.Struct({
      selector: Schema.Struct({ matchLabels: Schema.Unknown }),
      template: Schema.Struct({
        metadata: Schema.Struct({ labels: Schema.Unknown }),
        spec: Schema.Struct({
          terminationGracePeriodSeconds: Schema.Int,
          securityContext: Schema.Struct({ runAsNonRoot: Schema.Boolean, runAsUser: Schema.Int }),
          containers: Schema.Tuple([Container]),
          volumes: Schema.Array(Schema.Struct({ name: Schema.String, emptyDir: Schema.Unknown }))
        })
      })
    })
  })
  const parse = Effect.gen(function* () {
    const [secret, deployment, ...more] = read("kubernetes.yaml")
      .split(/^---$/m)
      .map((text) => Yaml.parse(text))
    assert.deepStrictEqual(more, [])
    const { spec } = yield* Schema.decodeUnknownEffect(Deployment)(deployment)
    const pod = spec.template.spec
    const [container] = pod.containers
    return {
      secret: yield* Schema.decodeUnknownEffect(Secret)(secret),
      spec,
      pod,
      container,
      valueOf: (name: string) => container.env.find((variable) => variable.name === name)?.value
    }
  })

  it.effect("names settings that there are, and what a service cannot do without", () =>
    Effect.gen(function* () {
      const { container } = yield* parse
      const names = container.env.map(({ name }) => name)
      assert.includeMembers(known, names)
      assert.includeMembers(names, ["BATON_BASE_URL", "BATON_API_TOKEN", "BATON_CLIENT_ID", "BATON_CLIENT_SECRET"])
    })
  )

  it.effect("takes secrets from the Secret alone, and the host's id from the pod", () =>
    Effect.gen(function* () {
      const { container, secret } = yield* parse
      const isSecret = container.env.filter(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined)
      assert.deepStrictEqual(
        isSecret.map(({ name }) => name),
        ["BATON_API_TOKEN", "BATON_CLIENT_ID", "BATON_CLIENT_SECRET"]
      )
      const references = isSecret.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? [])
      for (const { name } of references) assert.strictEqual(name, secret.metadata.name)
      assert.sameMembers(
        references.map(({ key }) => key),
        Object.keys(secret.stringData)
      )
      const host = container.env.find(({ name }) => name === "BATON_HOST_ID")
      assert.strictEqual(host?.valueFrom?.fieldRef?.fieldPath, "metadata.name")
    })
  )

  it.effect("probes what is served, where it is served", () =>
    Effect.gen(function* () {
      const { container, valueOf } = yield* parse
      const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe]
      assert.deepStrictEqual(
        probes.map(({ httpGet }) => httpGet),
        ["/ready", "/health", "/live"].map((path) => ({ path, port: "health" }))
      )
      assert.deepStrictEqual(container.ports, [
        { name: "health", containerPort: Number(valueOf("BATON_HEALTH_CHECK_PORT")) }
      ])
      assert.strictEqual(valueOf("BATON_HEALTH_CHECK"), "true")
      assert.strictEqual(valueOf("BATON_HEALTH_CHECK_BIND_ADDRESS"), "0.0.0.0")
    })
  )

  it.effect("runs as nobody in particular, on a root that is read-only, with room for files of a sync", () =>
    Effect.gen(function* () {
      const { container, pod, spec, valueOf } = yield* parse
      assert.deepStrictEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] }
      })
      assert.isTrue(pod.securityContext.runAsNonRoot)
      assert.isAbove(pod.securityContext.runAsUser, 0)
      const mount = container.volumeMounts.find(({ mountPath }) => mountPath === valueOf("BATON_TMPDIR"))
      assert.isTrue(pod.volumes.some(({ name }) => name === mount?.name))
      assert.strictEqual(valueOf("XDG_STATE_HOME"), mount?.mountPath)
      assert.isAtLeast(pod.terminationGracePeriodSeconds, enoughToStop)
      assert.deepStrictEqual(spec.selector.matchLabels, spec.template.metadata.labels)
    })
  )
})

describe("baton-posthog.service", () => {
  const unit = read("baton-posthog.service")
  const lines = unit.split("\n").filter((line) => /^\w+=/.test(line))
  const valuesOf = (key: string) =>
    lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1))

  it("runs the command with settings that there are", () => {
    const [exec = ""] = valuesOf("ExecStart")
    assert.include(Object.keys(manifest.bin), basename(exec))
    const names = valuesOf("Environment").map((assignment) => assignment.split("=")[0])
    assert.includeMembers(known, names)
    assert.deepStrictEqual(valuesOf("RestartPreventExitStatus"), [String(ExitCode.usage)])
    assert.isAtLeast(Number(valuesOf("TimeoutStopSec")[0]), enoughToStop)
  })

  it("hands the settings over as a credential, and none in the environment", () => {
    const [credential = ""] = valuesOf("LoadCredential")
    const [id = "", path = ""] = credential.split(":")
    assert.include(valuesOf("Environment"), `BATON_CONFIG_PATH=%d/${id}`)
    assert.match(path, /^\/etc\/baton-posthog\//)
    assert.notMatch(unit, /TOKEN|SECRET/)
  })

  it("is confined", () => {
    for (const line of ["DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet="]) {
      assert.include(lines, line)
    }
  })

  const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0
  it.live.skipIf(!hasSystemd)("is what systemd understands", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const path = join(cwd, "baton-posthog.service")
      // It looks whether the program is there.
      writeFileSync(path, unit.replace(/^ExecStart=.*$/m, `ExecStart=${bin}`))
      const { code, stderr, stdout } = yield* execute("systemd-analyze", ["verify", path], { cwd })
      assert.strictEqual(stdout + stderr, "")
      assert.strictEqual(code, 0)
    }).pipe(Effect.scoped)
  )

  it.live("works with everything in its one file", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const { cwd, env } = yield* place
      const file = ["base-url", "api-token", "client-id", "client-secret"].map(
        (name) => `${name}: ${JSON.stringify(env[Settings.variableOf(name)])}\n`
      )
      const path = join(cwd, "baton.yaml")
      writeFileSync(path, file.join(""), { mode: 0o600 })
      yield* c1.enqueue(syncFull)
      const service = yield* start([], {
        cwd,
        env: { BATON_CONFIG_PATH: path, SSL_CERT_FILE: env["SSL_CERT_FILE"] ?? "", XDG_STATE_HOME: cwd }
      })
      yield* finished(1)
      assert.strictEqual((yield* c1.finished)[0]?.result, "success")
      yield* service.signal("SIGTERM")
      assert.strictEqual((yield* service.ended).code, 0)
    }).pipe(Effect.scoped, Effect.provide(world()))
  )

  it.effect("has a file of settings in the README that can be understood", () =>
    Effect.gen(function* () {
      const readme = readFileSync(join(root, "README.md"), "utf8")
      const text = Option.getOrThrow(Option.fromNullishOr(/```yaml\n(client-id:[^`]*)```/.exec(readme)))[1] ?? ""
      const path = join(yield* directory, "baton.yaml")
      writeFileSync(path, text)
      const provider = yield* SettingsFile.provider({ BATON_CONFIG_PATH: path })
      for (const name of ["client-id", "client-secret", "base-url", "api-token"]) {
        assert.strictEqual((yield* provider.load([name]))?._tag, "Value", name)
      }
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))
  )
})

describe("Dockerfile", () => {
  const instructions = read("Dockerfile")
    .replace(/\\\n/g, "")
    .split("\n")
    .filter((line) => /^[A-Z]+ /.test(line))
  const last = instructions.slice(instructions.findLastIndex((line) => line.startsWith("FROM ")))
  const valueOf = (name: string) => last.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? ""
  const [, ...command] = [...valueOf("ENTRYPOINT").matchAll(/"([^"]+)"/g)].map(([, word = ""]) => word)

  it("names settings that there are, and the port that health checks have", () => {
    const names = [...valueOf("ENV").matchAll(/(\w+)=/g)].map(([, name = ""]) => name)
    assert.includeMembers(known, names)
    assert.strictEqual(valueOf("EXPOSE"), ServiceSettings.healthCheckPort.fallback)
  })

  it("runs as a number that is not root's", () => {
    assert.match(valueOf("USER"), /^[1-9]\d*:[1-9]\d*$/)
  })

  it.live("copies all that the command needs, and asks it how it does in words that it knows", () =>
    Effect.gen(function* () {
      const image = yield* directory
      for (const line of last.filter((line) => line.startsWith("COPY "))) {
        const [, pattern = "", target = ""] = /^COPY --from=build \/build\/(\S+) (\S+\/)$/.exec(line) ?? []
        const sources = globSync(pattern, { cwd: root })
        assert.isNotEmpty(sources, line)
        for (const source of sources) {
          const copy = join(image, target, basename(source))
          mkdirSync(dirname(copy), { recursive: true })
          cpSync(join(root, source), copy)
        }
      }
      const [script = ""] = command
      const inImage = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
        execute(process.execPath, [join(image, script), ...args], { cwd: image, env })

      // Far enough into a service to have loaded every part of it.
      const { env } = yield* place
      const service = yield* inImage([], { ...env, SSL_CERT_FILE: "" })
      assert.match(messageOf(service.stderr), /^Error: C1's certificate is not trusted here/)

      const [node, asked, ...args] = [...valueOf("HEALTHCHECK").matchAll(/"([^"]+)"/g)].map(([, word = ""]) => word)
      assert.deepStrictEqual([node, asked], ["node", script])
      const checked = yield* inImage(args, { BATON_HEALTH_CHECK_PORT: "1" })
      assert.include(checked.stderr, "Nothing answers at http://127.0.0.1:1/live")
      assert.strictEqual(checked.code, ExitCode.unavailable)
    }).pipe(Effect.scoped, Effect.provide(world()))
  )

  it("lets nothing into the build but what it copies", () => {
    const allowed = read("Dockerfile.dockerignore")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1))
    const copied = instructions
      .filter((line) => line.startsWith("COPY ") && !line.includes("--from"))
      .flatMap((line) => line.split(" ").slice(1, -1))
    assert.sameMembers(copied, allowed)
  })
})
