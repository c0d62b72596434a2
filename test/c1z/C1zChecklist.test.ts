import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { DatabaseSync } from "node:sqlite"
import { annotate } from "../../src/c1/Annotation.ts"
import { Entitlement } from "../../src/c1/Entitlement.ts"
import { Grant } from "../../src/c1/Grant.ts"
import { GrantExpandable } from "../../src/c1/GrantExpandable.ts"
import { Resource } from "../../src/c1/Resource.ts"
import * as C1zSink from "../../src/c1z/C1zSink.ts"
import { checkC1z } from "./C1zChecklist.ts"
import { mutateContent, mutateDatabase, mutateFile } from "./Mutation.ts"
import { entitlement, grant, member, sample, syncId, temporaryPath, user } from "./Organization.ts"

const written = Effect.gen(function* () {
  const path = yield* temporaryPath()
  yield* sample.pipe(Stream.run(C1zSink.make({ path, syncId })))
  return path
})

const expectViolation = (violations: ReadonlyArray<string>, expected: string) =>
  assert.isTrue(
    violations.some((violation) => violation.includes(expected)),
    `expected "${expected}" among ${JSON.stringify(violations, undefined, 2)}`
  )

/** Changes the byte at `at`, counted from the end when negative. */
const setByte =
  (at: number, change: (byte: number) => number) =>
  (bytes: Buffer): Buffer => {
    const index = at < 0 ? bytes.length + at : at
    bytes[index] = change(bytes[index] ?? 0)
    return bytes
  }

type FileCase = readonly [what: string, change: (bytes: Buffer) => Uint8Array, violation: string]

const brokenContainers: ReadonlyArray<FileCase> = [
  ["another magic", setByte(3, () => 0x33), "container: the file begins with 43315a3300"],
  ["another compression", setByte(5, () => 0x1f), "container: no zstd frame"],
  ["bytes after the end", (file) => Buffer.concat([file, Buffer.from("end")]), "container: the frame ends at byte"],
  ["a second frame", (file) => Buffer.concat([file, file.subarray(5)]), "container: the frame ends at byte"],
  ["a missing end", (file) => file.subarray(0, -1), "container: the frame ends at byte"],
  ["a wrong checksum", setByte(-1, (byte) => byte ^ 1), "container: the frame does not decompress"],
  [
    "no checksum",
    (file) => setByte(9, (byte) => byte & ~4)(file.subarray(0, -4)),
    "container: the frame has no checksum"
  ]
]

const brokenContents: ReadonlyArray<FileCase> = [
  ["something that is no database", setByte(0, () => 0), "container: the content is not a SQLite database"],
  ["write-ahead mode in its header", setByte(18, () => 2), "container: the database is not in rollback-journal mode"],
  ["an odd end", (content) => Buffer.concat([content, Buffer.alloc(100)]), "bytes are not"]
]

const setBlob =
  (table: string, id: number, data: Uint8Array) =>
  (database: DatabaseSync): void => {
    database.prepare(`update ${table} set data = ? where id = ?`).run(data, id)
  }

const setUser = (value: Resource) => setBlob("v1_resources", 1, Resource.encode(value))

const sql = (statements: string) => (database: DatabaseSync) => database.exec(statements)

const { value: someUser } = user(0)
const { value: someGrant } = grant(0, 0)
const { value: someEntitlement } = entitlement(0)
const c1 = "type.googleapis.com/c1.connector.v2."

const retype = (table: string, from: string, to: string) =>
  sql(`
    pragma writable_schema = on;
    update sqlite_master set sql = replace(sql, '${from}', '${to}') where name = '${table}';
    pragma writable_schema = off;
  `)

const expansion =
  (value: GrantExpandable | Uint8Array, needed = 1) =>
  (database: DatabaseSync) =>
    database
      .prepare("update v1_grants set expansion = ?, needs_expansion = ? where id = 1")
      .run(value instanceof Uint8Array ? value : GrantExpandable.encode(value), needed)

type DatabaseCase = readonly [what: string, change: (database: DatabaseSync) => unknown, violation: string]

const brokenDatabases: ReadonlyArray<DatabaseCase> = [
  ["free pages", sql("create table t as select * from v1_grants; drop table t"), "freelist_count is"],
  ["an extra table", sql("create table notes (text text)"), "extra table notes"],
  ["a missing table", sql("drop table v1_assets"), "v1_assets has the columns ()"],
  ["an extra column", sql("alter table v1_grants add column note text"), "v1_grants has the columns"],
  ["a wrong column type", retype("v1_grants", "discovered_at datetime", "discovered_at text"), "discovered_at text !"],
  ["a missing index", sql("drop index idx_grants_principal_id_v1"), "index idx_grants_principal_id_v1 is missing"],
  [
    "the names of the resource indexes put right",
    sql(`
      drop index idx_resources_external_sync_v1;
      create unique index idx_resources_external_sync_v1 on v1_resources (external_id, sync_id);
    `),
    "index idx_resources_external_sync_v1 is v1_resources (external_id, sync_id) unique"
  ],

  ["no run", sql("delete from v1_sync_runs"), "run: 0 rows"],
  ["an unfinished run", sql("update v1_sync_runs set ended_at = null"), "run: ended_at is null"],
  ["a partial run", sql("update v1_sync_runs set sync_type = 'partial'"), "run: the sync type is partial"],
  ["a run with an invented id", sql("update v1_sync_runs set sync_id = 'sync-1'"), "run: the sync id sync-1"],
  ["a parent run", sql("update v1_sync_runs set parent_sync_id = sync_id"), "run: a full sync has no parent"],
  ["a run that cannot be compared", sql("update v1_sync_runs set supports_diff = 0"), "run: supports_diff"],
  ["an ISO time", sql("update v1_sync_runs set started_at = '2026-01-01T00:00:00Z'"), "run: started_at is"],
  [
    "an end before its start",
    sql("update v1_sync_runs set started_at = '2999-01-01 00:00:00'"),
    "run: it ended before"
  ],
  ["a token of another version", sql(`update v1_sync_runs set sync_token = '{"version":2}'`), "run: the sync token"],

  [
    "a row of another sync",
    sql("update v1_grants set sync_id = 'other' where id = 1"),
    "1 rows belong to another sync"
  ],
  ["an empty id", sql("update v1_grants set external_id = '' where id = 1"), "1 rows have an empty id"],
  [
    "one id twice",
    sql(`
      drop index idx_grants_external_sync_v1;
      update v1_grants set external_id = (select external_id from v1_grants where id = 2) where id = 1;
    `),
    "1 rows have the id of another row"
  ],
  ["text in place of a blob", sql("update v1_grants set data = 'text' where id = 1"), "1 rows hold no blob"],
  [
    "a day without time",
    sql("update v1_grants set discovered_at = '2026-01-01' where id = 1"),
    "discovered at 2026-01-01"
  ],

  ["a blob that is no message", setBlob("v1_resources", 1, Uint8Array.of(0xff)), "v1_resources, id 1:"],
  [
    "fields in another order",
    (database) => {
      // Field 1, the only message of a resource type's that comes first, moved behind field 2.
      const [id, name] = [Buffer.from("0a0475736572", "hex"), Buffer.from("120455736572", "hex")]
      setBlob("v1_resource_types", 1, Buffer.concat([name, id, Buffer.from("1a0101", "hex")]))(database)
    },
    "v1_resource_types, id 1: the blob is not in the deterministic encoding"
  ],
  [
    "a column that differs from the blob",
    sql("update v1_resources set parent_resource_id = 'x' where id = 1"),
    "parent_resource_id is x"
  ],
  ["a name beyond the limit", setUser({ ...someUser, displayName: "n".repeat(1025) }), "v1_resources, id 1: "],
  [
    "an annotation that old readers cannot print",
    setUser({ ...someUser, annotations: [...(someUser.annotations ?? []), { "@type": `${c1}AgentTrait` }] }),
    "carries the annotation type.googleapis.com/c1.connector.v2.AgentTrait"
  ],
  [
    "a user without the trait of users",
    setUser({ ...someUser, annotations: [] }),
    "carries no c1.connector.v2.UserTrait"
  ],
  [
    "a trait that lacks what users need",
    setUser({ id: someUser.id, annotations: [{ "@type": `${c1}UserTrait` }] }),
    "its UserTrait has no status"
  ],
  [
    "a trait that says otherwise",
    setUser({ ...someUser, createdAt: "2020-01-01T00:00:00Z" }),
    "does not repeat its createdAt"
  ],

  ["a resource without its type", sql("delete from v1_resource_types where id = 2"), "resource of an unknown type"],
  [
    "a resource without its parent",
    sql("update v1_resources set parent_resource_type_id = 'user', parent_resource_id = 'nobody' where id = 1"),
    "resource with an unknown parent"
  ],
  [
    "an entitlement without its resource",
    sql("delete from v1_resources where external_id = 'role:r0'"),
    "entitlement of an unknown resource"
  ],
  [
    "an entitlement for an unknown type",
    setBlob("v1_entitlements", 1, Entitlement.encode({ ...someEntitlement, grantableTo: [{ id: "group" }] })),
    "grantable to group"
  ],
  ["a dangling grant", sql("delete from v1_resources where external_id = 'user:u3'"), "grant to an unknown principal"],
  [
    "a grant without its entitlement",
    sql("delete from v1_entitlements where id = 1"),
    "grant of an unknown entitlement"
  ],
  [
    "a grant on another resource than its entitlement",
    sql("update v1_grants set resource_id = 'r1' where id = 1"),
    "grant whose resource is not its entitlement's"
  ],
  [
    "duplicate grants",
    sql(`insert into v1_grants select null, resource_type_id, resource_id, entitlement_id, principal_resource_type_id,
      principal_resource_id, 'another', expansion, needs_expansion, data, sync_id, discovered_at
      from v1_grants where id = 1`),
    "second grant of an entitlement to a principal"
  ],

  [
    "an expansion left in the blob",
    setBlob(
      "v1_grants",
      1,
      Grant.encode({ ...someGrant, annotations: [annotate(GrantExpandable, { entitlementIds: ["a"] })] })
    ),
    "GrantExpandable is in the blob"
  ],
  ["an expansion marked as done", expansion({ entitlementIds: ["x"] }, 0), "needs_expansion is 0"],
  ["an expansion that is no message", expansion(Uint8Array.of(0xff)), "expansion: "],
  ["an expansion of nothing", expansion({ entitlementIds: [" "] }), "names no entitlement"],
  [
    "an expansion of what is not its principal's",
    expansion({ entitlementIds: [member(1)] }),
    "which is no entitlement of its principal"
  ]
]

layer(NodeServices.layer)("C1zChecklist", (it) => {
  it.effect("finds nothing wrong with what the sink writes", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* checkC1z(yield* written), [])
    })
  )

  it.effect("finds nothing wrong with a file that was taken apart and put together again", () =>
    Effect.gen(function* () {
      const path = yield* written
      yield* mutateDatabase(path, () => {})
      assert.deepStrictEqual(yield* checkC1z(path), [])
    })
  )

  it.effect.each(brokenContainers)("notices a container with %s", ([, change, violation]) =>
    Effect.gen(function* () {
      const path = yield* written
      yield* mutateFile(path, change)
      expectViolation(yield* checkC1z(path), violation)
    })
  )

  it.effect.each(brokenContents)("notices a content with %s", ([, change, violation]) =>
    Effect.gen(function* () {
      const path = yield* written
      yield* mutateContent(path, change)
      expectViolation(yield* checkC1z(path), violation)
    })
  )

  it.effect.each(brokenDatabases)("notices a database with %s", ([, change, violation]) =>
    Effect.gen(function* () {
      const path = yield* written
      yield* mutateDatabase(path, change)
      expectViolation(yield* checkC1z(path), violation)
    })
  )
})
