import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Stream } from "effect"
import * as C1zSink from "../../src/c1z/C1zSink.ts"
import * as DropBrake from "../../src/cli/DropBrake.ts"
import { syncTypeOf } from "../../src/cli/Scope.ts"
import * as Sync from "../../src/engine/Sync.ts"
import { syncId, temporaryPath } from "../c1z/Organization.ts"
import { type Directory, groupId, make, personId } from "../engine/DirectoryConnector.ts"

const people = ["ada", "bob", "cyd", "dan"]
const directory: Directory = { people, groups: { ops: people, dev: ["ada", "bob"] } }

interface Run {
  readonly directory?: Directory
  readonly scope?: Sync.SyncScope
  readonly maxDrop?: number
}

/** A file of a sync. */
const write = Effect.fnUntraced(function* ({ directory: of = directory, scope = {} }: Run) {
  const path = yield* temporaryPath()
  const { records } = Sync.make(make(of), { scope })
  yield* Stream.run(records, C1zSink.make({ path, syncId, syncType: syncTypeOf(scope) }))
  return path
})

/** What stands against a new sync in the place of the file at `path`. */
const replace = Effect.fnUntraced(function* (
  path: string,
  { directory: of = directory, maxDrop = 50, scope = {} }: Run
) {
  const run = Sync.make(make(of), { scope })
  yield* Stream.runDrain(run.records)
  const { counts } = yield* run.report
  return yield* DropBrake.check({ path, counts, scope, has: run.has, maxDrop })
})

/** The same, of a file that a sync wrote. */
const replaced = (old: Run, now: Run) => Effect.flatMap(write(old), (path) => replace(path, now))

const half = { ...directory, people: people.slice(0, 2), groups: { ops: people.slice(0, 2), dev: [] } }
const other = { people: ["eve"], groups: { all: ["eve"] } }

layer(NodeServices.layer)("DropBrake", (it) => {
  it.effect("nothing stands against a sync of as much or more, nor against the first", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* replaced({}, {}))
      assert.isUndefined(yield* replaced({ directory: half }, {}))
      assert.isUndefined(yield* replace(yield* temporaryPath(), {}))
    })
  )

  it.effect("what shrank by more than was accepted is told, with both counts", () =>
    Effect.gen(function* () {
      const shrank = yield* replaced({}, { directory: half })
      assert.strictEqual(shrank?.reason, "shrank")
      assert.include(shrank?.why, "group grants fell from 6 to 2: more than the 50 % that may go missing at once")
      const all = yield* replaced({}, { directory: half, maxDrop: 10 })
      assert.include(all?.why, "users fell from 4 to 2 and group grants fell from 6 to 2")
    })
  )

  it.effect("exactly as much as was accepted is accepted", () =>
    Effect.gen(function* () {
      const now = { ...directory, groups: { ops: ["ada", "bob", "cyd"], dev: [] } }
      assert.isUndefined(yield* replaced({}, { directory: now, maxDrop: 50 }))
      assert.isDefined(yield* replaced({}, { directory: now, maxDrop: 49 }))
      assert.isUndefined(yield* replaced({}, { directory: half, maxDrop: 100 }))
    })
  )

  it.effect("what one type gains does not hide what another loses", () =>
    Effect.gen(function* () {
      const counts = (grantsByType: Readonly<Record<string, number>>) => ({ resourcesByType: {}, grantsByType })
      const before = counts({ role: 240, organization: 250 })
      assert.deepStrictEqual(DropBrake.dropsOf(before, counts({ role: 0, organization: 300 }), 50), [
        { what: "role grants", before: 240, now: 0 }
      ])
      yield* Effect.void
    })
  )

  it.effect("a sync of nothing takes nothing's place", () =>
    Effect.gen(function* () {
      const problem = yield* replaced({}, { directory: { people: [], groups: {} }, maxDrop: 99 })
      assert.strictEqual(problem?.reason, "shrank")
    })
  )

  it.effect("a file of another organization is no measure", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* replaced({}, { directory: other }))
    })
  )

  it.effect.each([
    ["one type of several", { resourceTypes: ["user"] }, /2 groups/],
    ["resources without grants", { skipEntitlementsAndGrants: true }, /6 grants/],
    ["one resource", { resources: [groupId("ops")] }, /more resources/]
  ] as const)("a sync of a part (%s) does not take the place of a whole one", ([, scope, why]) =>
    Effect.gen(function* () {
      const problem = yield* replaced({}, { scope })
      assert.strictEqual(problem?.reason, "part")
      assert.match(problem?.why ?? "", why)
    })
  )

  it.effect.each([
    { resourceTypes: ["user"] },
    { skipEntitlementsAndGrants: true },
    { resources: [groupId("ops")] },
    { resources: [personId("ada"), groupId("ops")] }
  ])("a sync of a part takes the place of one of the same part, and a whole one does (%o)", (scope) =>
    Effect.gen(function* () {
      assert.isUndefined(yield* replaced({ scope }, { scope }))
      assert.isUndefined(yield* replaced({ scope }, {}))
    })
  )

  it.effect("nor does a sync of one resource that of another", () =>
    Effect.gen(function* () {
      const scopeOf = (name: string) => ({ resources: [groupId(name)] })
      const problem = yield* replaced({ scope: scopeOf("ops") }, { scope: scopeOf("dev") })
      assert.strictEqual(problem?.reason, "part")
    })
  )

  it.effect("a part that fits its source whole is the whole", () =>
    Effect.gen(function* () {
      const noGroups = { people, groups: {} }
      assert.isUndefined(
        yield* replaced({ directory: noGroups }, { directory: noGroups, scope: { resourceTypes: ["user"] } })
      )
    })
  )

  it.effect("somebody's file that is no sync stays, an empty one does not", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const path = yield* temporaryPath()
      yield* files.writeFileString(path, "my notes")
      const problem = yield* replace(path, {})
      assert.strictEqual(problem?.reason, "unreadable")
      assert.include(problem?.why, "it is not a .c1z file")
      yield* files.writeFileString(path, "")
      assert.isUndefined(yield* replace(path, {}))
    })
  )

  it.effect("a damaged sync stays as well", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const path = yield* write({})
      const whole = yield* files.readFile(path)
      yield* files.writeFile(path, whole.slice(0, whole.length - 20))
      assert.strictEqual((yield* replace(path, {}))?.reason, "unreadable")
    })
  )
})
