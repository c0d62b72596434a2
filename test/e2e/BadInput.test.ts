/**
 * Everything that people and servers get wrong: each ends with the exit code of the README's table and a few words on
 * what to do, leaves the previous file as it was, and never shows the key.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http"
import { createServer as createHttpsServer } from "node:https"
import { join } from "node:path"
import {
  ApiError,
  defaultApiKey,
  demoKey,
  demoOrganizationId as id,
  makeOrganization,
  Reply,
  Scenario,
  scenarios,
  SimulatorServer
} from "../../src/testing/index.ts"
import { selfSigned } from "./Certificate.ts"
import { contentsOf, directory, requests, run, settings, simulator } from "./Harness.ts"
import { at, listen, refusesKey } from "./Listener.ts"
import { type BadInput, refuse, refuseLogged, refuseSimulated } from "./Refusal.ts"

const organization = makeOrganization({ seed: 3, members: 30, roles: 3, membershipsPerRole: 4 })

interface NamedBadInput extends BadInput {
  readonly name: string
}

const good = { BATON_BASE_URL: `http://127.0.0.1:9/api/organizations/${id}`, BATON_API_TOKEN: demoKey }

const key = "phx_0therKeyThatMustNeverBeSeen"

describe.concurrent("settings", () => {
  it.live.each<NamedBadInput>([
    {
      name: "a missing base-url",
      env: { BATON_API_TOKEN: demoKey, BATON_BASE_URL: "" },
      exit: 2,
      says: [/base-url is missing/, /--base-url/, /BATON_BASE_URL/, /\.baton\.yaml/, /baton-posthog simulate/]
    },
    {
      name: "a missing api-token",
      env: { BATON_API_TOKEN: "" },
      exit: 2,
      says: [/api-token is missing/, /--api-token/, /BATON_API_TOKEN/, /\.baton\.yaml/]
    },
    { name: "an empty --base-url", args: ["--base-url", ""], exit: 2, says: [/base-url/, /\/api\/organizations\//] },
    { name: "an empty --api-token", args: ["--api-token", ""], exit: 2, says: [/api-token is empty/, /phx_/] },
    { name: "a blank BATON_API_TOKEN", env: { BATON_API_TOKEN: "  " }, exit: 2, says: [/api-token is empty/, /phx_/] },
    { name: "an empty --file", args: ["--file", ""], exit: 2, says: [/file is (empty|missing)/] },
    { name: "--base-url without a value", args: ["--base-url"], exit: 2, says: [/--base-url/, /--help/] },
    { name: "an unknown flag", args: ["--frobnicate"], exit: 2, says: [/--frobnicate/, /baton-posthog --help/] },
    {
      name: "a mistyped flag",
      args: ["--page-sise", "5"],
      exit: 2,
      says: [/--page-sise/, /--page-size/, /baton-posthog --help/]
    },
    {
      name: "an unknown flag of a subcommand",
      args: ["sync", "--frobnicate"],
      exit: 2,
      says: [/--frobnicate/, /baton-posthog sync --help/]
    },
    { name: "an unknown subcommand", args: ["snyc"], exit: 2, says: [/snyc/, /baton-posthog --help/] },
    { name: "an extra argument", args: ["sync", "now"], exit: 2, says: [/now/, /baton-posthog sync --help/] },
    { name: "an unknown output", args: ["sync", "--output", "xml"], exit: 2, says: [/--output/, /"c1z" \| "ndjson"/] },
    { name: "a number that is none", args: ["--page-size", "many"], exit: 2, says: [/--page-size/, /many/] },
    { name: "a number below the least", args: ["--page-size", "0"], exit: 2, says: [/--page-size/, /\b1\b/] },
    { name: "a number with a fraction", args: ["--workers", "1.5"], exit: 2, says: [/--workers/, /integer/] },
    {
      name: "a variable that is no number",
      env: { BATON_PAGE_SIZE: "many" },
      exit: 2,
      says: [/BATON_PAGE_SIZE/, /integer/]
    },
    {
      name: "a variable that is no log level",
      env: { BATON_LOG_FORMAT: "xml" },
      exit: 2,
      says: [/BATON_LOG_FORMAT/, /"console" \| "json"/]
    },
    { name: "a number in the file that is none", yaml: "workers: many\n", exit: 2, says: [/workers/, /integer/] },
    {
      name: "a key with a space in it",
      env: { BATON_API_TOKEN: "phx_half AndTheOtherHalf" },
      exit: 2,
      says: [/api-token holds spaces/, /Copy the key again/]
    },
    {
      name: "a key with a line break in it",
      env: { BATON_API_TOKEN: `${key}\nx-header: 1` },
      exit: 2,
      says: [/api-token holds spaces/]
    },
    // Whatever is mistyped, the key is in the arguments or in the file.
    { name: "a mistyped --api-token", args: ["--api-tokn", key], secret: key, exit: 2, says: [/--api-tokn/] },
    { name: "-t before the key", args: ["-t", key], secret: key, exit: 2, says: [/-t\b/] },
    { name: "the key alone", args: [key], secret: key, exit: 2, says: [/baton-posthog --help/] },
    { name: "the key as base-url", args: ["--base-url", key], secret: key, exit: 2, says: [/base-url is not a URL/] },
    { name: "the key as a number", args: ["--workers", key], secret: key, exit: 2, says: [/--workers/] },
    { name: "the key as log level", env: { BATON_LOG_FORMAT: key }, secret: key, exit: 2, says: [/BATON_LOG_FORMAT/] }
  ])("$name", (input) => refuse(input, good))
})

describe.concurrent("the configuration file", () => {
  it.live.each<NamedBadInput>([
    {
      name: "YAML that does not parse",
      yaml: `base-url: x\napi-token: "${key}\nworkers: 3\n`,
      secret: key,
      exit: 2,
      says: [/\.baton\.yaml is not valid YAML/, /Mend the file/]
    },
    {
      name: "YAML whose faulty line is the key's",
      yaml: `api-token: ${key}: x\n`,
      secret: key,
      exit: 2,
      says: [/\.baton\.yaml is not valid YAML \(line 1\)/]
    },
    {
      name: "a list",
      yaml: `- ${key}\n`,
      secret: key,
      exit: 2,
      says: [/\.baton\.yaml does not hold settings/, /base-url: /]
    },
    {
      name: "settings within another",
      yaml: `posthog:\n  api-token: ${key}\n`,
      secret: key,
      exit: 2,
      says: [/\.baton\.yaml does not hold settings/]
    },
    { name: "a text", yaml: `${key}\n`, secret: key, exit: 2, says: [/\.baton\.yaml does not hold settings/] },
    {
      name: "a file that BATON_CONFIG_PATH names and that is not there",
      env: { BATON_CONFIG_PATH: "nowhere.yaml" },
      exit: 2,
      says: [/nowhere\.yaml/]
    },
    {
      name: "a file of another format",
      env: { BATON_CONFIG_PATH: "settings.json" },
      exit: 2,
      says: [/BATON_CONFIG_PATH names settings\.json/, /\.yaml or \.yml/]
    },
    {
      name: "a base-url that is refused",
      yaml: "base-url: https://us.posthog.com\n",
      env: { BATON_BASE_URL: "" },
      exit: 2,
      says: [/Use: https:\/\/us\.posthog\.com\/api\/organizations\/<organization_id>$/m]
    }
  ])("$name", (input) => refuse(input, good))
})

describe.concurrent("a base-url that is nearly right", () => {
  const api = "/api/organizations"
  it.live.each<readonly [given: string, use: string]>([
    [id, `https://us.posthog.com${api}/${id}`],
    [`us.posthog.com${api}/${id}`, `https://us.posthog.com${api}/${id}`],
    [`ftp://us.posthog.com${api}/${id}`, `https://us.posthog.com${api}/${id}`],
    ["https://us.posthog.com", `https://us.posthog.com${api}/<organization_id>`],
    [`https://us.posthog.com${api}/${id}/`, `https://us.posthog.com${api}/${id}`],
    [`https://us.posthog.com${api}/${id}/members/`, `https://us.posthog.com${api}/${id}`],
    [`https://us.posthog.com${api}/${id}?limit=1`, `https://us.posthog.com${api}/${id}`],
    [`https://us.posthog.com${api}/${id}#top`, `https://us.posthog.com${api}/${id}`],
    [`https://us.posthog.com${api}/@current`, `https://us.posthog.com${api}/<organization_id>`],
    [`https://us.posthog.com${api}/northwind`, `https://us.posthog.com${api}/<organization_id>`],
    [`https://us.posthog.com${api}/${id.slice(0, -1)}`, `https://us.posthog.com${api}/<organization_id>`],
    [`https://us.posthog.com/organizations/${id}`, `https://us.posthog.com${api}/${id}`],
    ["https://eu.posthog.com/project/123/dashboard/4", `https://eu.posthog.com${api}/<organization_id>`],
    ["https://eu.posthog.com/settings/organization-details", `https://eu.posthog.com${api}/<organization_id>`],
    [`https://app.posthog.com${api}/${id}`, `https://us.posthog.com${api}/${id}`],
    [`https://eu.i.posthog.com${api}/${id}`, `https://eu.posthog.com${api}/${id}`],
    // Somebody's own server must not become PostHog's cloud on the way: the key would go there next.
    [`localhost:8010${api}/${id}`, `http://localhost:8010${api}/${id}`],
    [`10.0.0.5:8010${api}/${id}`, `https://10.0.0.5:8010${api}/${id}`],
    [`https://intranet.example/posthog${api}/${id}/`, `https://intranet.example/posthog${api}/${id}`]
  ])("%s", ([given, use]) =>
    refuse(
      {
        args: ["--base-url", given],
        exit: 2,
        says: [new RegExp(`^ +Use: ${use.replace(/[.?]/g, "\\$&")}( |$)`, "m")]
      },
      good
    )
  )

  it.live("because it holds the key", () =>
    refuse(
      {
        env: { BATON_BASE_URL: `https://${key}@us.posthog.com${api}/${id}` },
        secret: key,
        exit: 2,
        says: [/holds a user name or password/, new RegExp(`Use: https://us\\.posthog\\.com${api}/${id}`)]
      },
      good
    )
  )
})

// Servers

const simulated = (scenario: Scenario.Scenario) => simulator({ organization, scenario })

const answers = (description: string, script: Scenario.Script) => simulated({ description, script })

describe.concurrent("PostHog refuses", () => {
  it.live("the key (401)", () =>
    refuseSimulated({
      env: { BATON_API_TOKEN: key },
      exit: 3,
      says: [/does not accept the key \(401\)/, /organization_member:read/, /organization:read/, /Personal API keys/]
    }).pipe(Effect.provide(simulator({ organization })))
  )

  it.live("a key without the scope for members (403)", () =>
    refuseSimulated({
      exit: 3,
      says: [/key/, /organization_member:read/]
    }).pipe(Effect.provide(simulator({ organization, keys: [{ ...defaultApiKey, scopes: ["organization:read"] }] })))
  )

  it.live("a key that is limited to projects (403)", () =>
    refuseSimulated({ exit: 3, says: [/key/, /limited to projects/] }).pipe(
      Effect.provide(simulator({ organization, keys: [{ ...defaultApiKey, scopedTeams: [1] }] }))
    )
  )

  it.live("an organization that it does not know (404)", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* SimulatorServer
      yield* refuseSimulated({
        env: { BATON_BASE_URL: `${baseUrl}/api/organizations/018e2b70-55aa-7b6c-9c1d-000000000000` },
        exit: 3,
        says: [/018e2b70-55aa-7b6c-9c1d-000000000000/, /organization id|base-url/]
      })
    }).pipe(Effect.provide(simulator({ organization })))
  )

  it.live("with the key in its words (403)", () =>
    refuseSimulated({ exit: 3, says: [/\(403\)/, /PostHog says: The key/] }).pipe(
      Effect.provide(
        answers("repeats the key", Scenario.respond(ApiError.permissionDenied(`The key ${demoKey} may not do that.`)))
      )
    )
  )

  it.live("every request for members (500)", () =>
    refuseSimulated({
      exit: 4,
      says: [/\/members\/.*status 500/, /run it again later/]
    }).pipe(
      Effect.provide(answers("500", Scenario.on({ endpoint: "members" }, Scenario.respond(ApiError.serverError))))
    )
  )

  it.live("with the key in its words (500)", () =>
    refuseSimulated({ exit: 4, says: [/status 500/] }).pipe(
      Effect.provide(
        answers(
          "repeats the key",
          Scenario.respond(
            Reply.json(JSON.stringify({ type: "server_error", code: demoKey, detail: demoKey, attr: null }), {
              status: 500
            })
          )
        )
      )
    )
  )

  it.live("to wait as long as it says (429)", () =>
    refuseSimulated({
      args: ["--max-wait", "10"],
      exit: 4,
      says: [/request limit/, /3600 s/, /--max-wait/]
    }).pipe(
      Effect.provide(answers("429", Scenario.on({ endpoint: "members" }, Scenario.respond(ApiError.throttled(3600)))))
    )
  )
})

describe.concurrent("something else answers", () => {
  it.live("HTML with status 200", () =>
    refuseSimulated({
      exit: 5,
      says: [/text\/html where PostHog sends JSON/, /Check base-url/, /\/api\/organizations\//]
    }).pipe(Effect.provide(simulated(scenarios["html-login"])))
  )

  it.live("HTML for one page in the middle", () =>
    refuseSimulated({ args: ["--page-size", "10"], exit: 5, says: [/\/members\/\?.*text\/html/] }).pipe(
      Effect.provide(
        answers("portal", Scenario.on({ endpoint: "members", from: 2 }, Scenario.respond(Reply.html(200, "<html>"))))
      )
    )
  )

  it.live("a content type that repeats the key", () =>
    refuseSimulated({ exit: 5, says: [/Check base-url/] }).pipe(
      Effect.provide(
        answers("echo", Scenario.respond({ ...Reply.html(200, ""), headers: { "content-type": `text/${demoKey}` } }))
      )
    )
  )

  it.live("a row that does not decode", () =>
    refuseSimulated({
      exit: 5,
      says: [/\/members\//, /level/, /"fifteen"/, /row 3/, /please report it/]
    }).pipe(
      Effect.provide(
        answers(
          "level",
          Scenario.on(
            { endpoint: "members" },
            Scenario.rewriteRow(2, (row) => row.replace(/"level":\d+/, '"level":"fifteen"'))
          )
        )
      )
    )
  )

  it.live("a row that does not decode, with the key in it", () =>
    refuseSimulated({ exit: 5, says: [/\/members\//, /level/] }).pipe(
      Effect.provide(
        answers(
          "level",
          Scenario.on(
            { endpoint: "members" },
            Scenario.rewriteRow(0, (row) => row.replace(/"level":\d+/, `"level":"${demoKey}"`))
          )
        )
      )
    )
  )

  // Messages are shortened: wherever the cut falls, it must not spare a piece of the key.
  it.live.each([220, 240, 250, 260, 270, 280])(
    "a row that does not decode, with the key after %i characters",
    (length) =>
      refuseSimulated({ exit: 5, says: [/\/members\//, /level/] }).pipe(
        Effect.provide(
          answers(
            "level",
            Scenario.on(
              { endpoint: "members" },
              Scenario.rewriteRow(0, (row) => row.replace(/"level":\d+/, `"level":"${"x".repeat(length)}${demoKey}"`))
            )
          )
        )
      )
  )

  it.live("a page without results", () =>
    refuseSimulated({ exit: 5, says: [/\/members\//, /results/] }).pipe(
      Effect.provide(
        answers(
          "no results",
          Scenario.on({ endpoint: "members" }, Scenario.respond(Reply.json('{"count":30,"next":null,"previous":null}')))
        )
      )
    )
  )

  it.live("a page without count", () =>
    refuseSimulated({ exit: 5, says: [/\/members\//, /count/] }).pipe(
      Effect.provide(
        answers("no count", Scenario.on({ endpoint: "members" }, Scenario.respond(Reply.json('{"results":[]}'))))
      )
    )
  )

  it.live("another organization", () =>
    refuseSimulated({ exit: 5, says: [/\/api\/organizations\//, /\bid\b/] }).pipe(
      Effect.provide(
        answers("a list", Scenario.on({ endpoint: "organization" }, Scenario.respond(Reply.json('{"id":"northwind"}'))))
      )
    )
  )

  it.live("JSON that is broken", () =>
    refuseSimulated({ exit: 5, says: [/\/members\//, /broken JSON/, /proxy/] }).pipe(
      Effect.provide(
        answers(
          "broken",
          Scenario.on(
            { endpoint: "members" },
            Scenario.rewriteText((text) => text.replace('"level":', `"level": ${demoKey} `))
          )
        )
      )
    )
  )
})

describe.concurrent("a redirect", () => {
  it.live.each([301, 302, 307, 308])(
    "with status %i is not followed, and the other host is asked for nothing",
    (status) =>
      Effect.gen(function* () {
        const other = yield* listen(createHttpServer, refusesKey)
        const otherOrigin = `http://127.0.0.1:${other.port}`
        const scenario = {
          description: "sends everything elsewhere",
          script: Scenario.respond(({ request }) =>
            Reply.html(status, "", { location: `${otherOrigin}${request.url.pathname}` })
          )
        }
        yield* refuseSimulated({
          exit: 5,
          says: [new RegExp(`${otherOrigin} \\(status ${status}\\)`), /not followed/, /Check base-url/]
        }).pipe(Effect.provide(simulated(scenario)))
        assert.deepStrictEqual(other.asked, [])
      })
  )

  it.live("to an address that holds the key does not show it", () =>
    refuseSimulated({ exit: 5, says: [/not followed/] }).pipe(
      Effect.provide(
        answers("echo", Scenario.respond(Reply.html(302, "", { location: `https://${demoKey}.example/` })))
      )
    )
  )
})

describe.concurrent("TLS", () => {
  const certificate = selfSigned()
  const secureServer = (listener: RequestListener): Server => createHttpsServer(certificate, listener)

  it.live("with a certificate that nobody trusts", () =>
    Effect.gen(function* () {
      const server = yield* listen(secureServer, refusesKey)
      yield* refuseLogged(
        {
          exit: 4,
          says: [/cannot be reached: no trusted TLS connection/, /SELF_SIGNED/, /--ca-file adds a root certificate/]
        },
        at(`https://127.0.0.1:${server.port}`)
      )
      assert.deepStrictEqual(server.asked, [])
    })
  )

  it.live("with that certificate trusted as the message says reaches the server", () =>
    Effect.gen(function* () {
      const server = yield* listen(secureServer, refusesKey)
      const file = join(yield* directory, "root.pem")
      writeFileSync(file, certificate.cert)
      yield* refuseLogged(
        { env: { NODE_EXTRA_CA_CERTS: file }, exit: 3, says: [/does not accept the key \(401\)/] },
        at(`https://127.0.0.1:${server.port}`)
      )
      assert.isAbove(server.asked.length, 0)
    })
  )

  it.live("where the server speaks plain HTTP", () =>
    Effect.gen(function* () {
      const server = yield* listen(createHttpServer, refusesKey)
      yield* refuseLogged(
        { exit: 4, says: [/cannot be reached: .*TLS/, /https?:\/\//] },
        at(`https://127.0.0.1:${server.port}`)
      )
    })
  )
})

// The output

describe.concurrent("a target", () => {
  it.live("that is a directory is refused before PostHog is asked", () =>
    Effect.gen(function* () {
      yield* refuseSimulated({
        args: ["--file", "."],
        exit: 7,
        says: [/Cannot write \.: it is a directory/, /path of a file/]
      })
      assert.deepStrictEqual(yield* requests, [])
    }).pipe(Effect.provide(simulator({ organization })))
  )

  it.live("whose folder is missing is refused before PostHog is asked", () =>
    Effect.gen(function* () {
      yield* refuseSimulated({
        args: ["-f", "missing/sync.c1z"],
        exit: 7,
        says: [/Cannot write missing\/sync\.c1z: its directory does not exist/, /Create the directory first/]
      })
      assert.deepStrictEqual(yield* requests, [])
    }).pipe(Effect.provide(simulator({ organization })))
  )

  it.live("whose folder is a file", () =>
    refuseSimulated({
      args: ["-f", "sync.c1z/sync.c1z"],
      exit: 7,
      says: [/Cannot write sync\.c1z\/sync\.c1z: a part of its path is a file/]
    }).pipe(Effect.provide(simulator({ organization })))
  )

  it.live("that is a device", () =>
    refuseSimulated({ args: ["-f", "/dev/null"], exit: 7, says: [/\/dev\/null: it is not a regular file/] }).pipe(
      Effect.provide(simulator({ organization }))
    )
  )

  it.live("whose folder vanishes during the sync", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const out = join(cwd, "out")
      mkdirSync(out)
      const scenario = {
        description: "somebody tidies up",
        script: Scenario.on({ endpoint: "role_memberships" }, (_, answer) =>
          Effect.andThen(
            Effect.sync(() => rmSync(out, { recursive: true, force: true })),
            answer
          )
        )
      }
      yield* Effect.gen(function* () {
        const ended = yield* run(["-f", "out/sync.c1z"], { cwd, env: yield* settings })
        assert.strictEqual(ended.code, 7, ended.stderr)
        assert.match(ended.stderr, /^Error: Cannot write out\/sync\.c1z: /m)
        assert.deepStrictEqual(contentsOf(cwd), {})
      }).pipe(Effect.provide(simulated(scenario)))
    })
  )
})
