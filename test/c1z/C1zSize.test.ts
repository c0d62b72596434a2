/** How large files get: no larger than at the level of zstd that other writers use, though large ones are made faster. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Schema, Stream } from "effect"
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib"
import { entitlementId, grantId } from "../../src/c1/Ids.ts"
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import { stripe } from "../../src/c1z/C1zChecksum.ts"
import * as C1zContainer from "../../src/c1z/C1zContainer.ts"
import { unusedIn } from "../../src/c1z/C1zDatabase.ts"
import * as C1zSink from "../../src/c1z/C1zSink.ts"
import * as Records from "../../src/posthog/PostHogRecords.ts"
import { Member, Role } from "../../src/posthog/PostHogSchema.ts"
import { type GeneratedOptions, generations, makeOrganization, Rows } from "../../src/testing/index.ts"
import * as PostHogJson from "../../src/testing/PostHogJson.ts"
import { syncId, temporaryPath } from "./Organization.ts"

const mebibyte = 1024 ** 2

const decodeMember = Schema.decodeUnknownSync(Schema.fromJsonString(Member))
const decodeRole = Schema.decodeUnknownSync(Role)

/** What a sync of an organization writes, without the sync. */
function* recordsOf(options: GeneratedOptions): Generator<SyncRecord> {
  const organization = makeOrganization(options)
  const json = PostHogJson.make(generations["cloud-2026-09"])
  yield { _tag: "ResourceType", value: Records.userType }
  yield { _tag: "ResourceType", value: Records.roleType }
  for (const member of Rows.iterate(organization.members)) {
    yield { _tag: "Resource", value: Records.userResource(decodeMember(json.member(member))) }
  }
  const roles = [...Rows.iterate(organization.roles)].map((role) =>
    Records.roleResource(decodeRole({ ...role, created_at: role.createdAt, is_default: false }))
  )
  for (const value of roles) yield { _tag: "Resource", value }
  for (const role of roles) yield { _tag: "Entitlement", value: Records.roleEntitlement(role) }
  for (const [index, role] of roles.entries()) {
    const entitlement = { resource: { id: role.id }, id: entitlementId(role.id, Records.memberSlug) }
    for (const { user } of Rows.iterate(organization.memberships(index))) {
      const principal = { id: Records.userId(user.uuid) }
      yield { _tag: "Grant", value: { entitlement, principal, id: grantId(entitlement.id, principal.id) } }
    }
  }
}

/** The file of an organization, and the database in it. */
const write = Effect.fnUntraced(function* (options: GeneratedOptions, thread = false) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* temporaryPath()
  yield* Stream.run(Stream.fromIterable(recordsOf(options)), C1zSink.make({ path, syncId, thread }))
  const file = yield* fs.readFile(path)
  return { file, database: zstdDecompressSync(file.subarray(C1zContainer.magic.length)) }
})

/** A frame made piece by piece has an empty block at its end where the last piece fills one. */
const emptyBlock = 3

/** Frames end with a checksum, ours as others'. */
const level3 = { params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 } }

layer(NodeServices.layer)(
  "A file is no larger than its first bytes and what zstd makes of its database at level 3,",
  (it) => {
    it.effect.each<readonly [what: string, least: number, options: GeneratedOptions, factor?: number]>([
      ["of nobody", 0, { members: 0 }],
      ["of one person", 0, { members: 1, roles: 1, memberships: 1 }],
      ["of a small organization", 1, { members: 500, roles: 10, memberships: 1500 }],
      ["of more than 16 MiB", 16, { members: 2600, roles: 60, memberships: 14_000 }],
      // Large enough for speed to count.
      ["of more than 64 MiB", 64, { members: 10_000, roles: 300, memberships: 60_000 }],
      ["of more than 64 MiB, with few large roles", 64, { members: 10_000, roles: 10, membershipsPerRole: 7000 }],
      ["of more than 64 MiB, nearly all without roles, but for a fiftieth", 64, { members: 53_000, roles: 1 }, 1.02]
    ])("%s", ([, least, options, factor = 1]) =>
      Effect.gen(function* () {
        const { database, file } = yield* write(options)
        assert.isAtLeast(database.length, least * mebibyte)
        const others = zstdCompressSync(database, level3).length * factor
        assert.isAtMost(file.length, C1zContainer.magic.length + others + emptyBlock)
      }).pipe(Effect.scoped)
    )

    it.effect("and the same where a thread of its own has the database, which makes the indexes meanwhile", () =>
      Effect.gen(function* () {
        const options = { members: 10_000, roles: 300, memberships: 60_000 }
        const [here, there] = [yield* write(options), yield* write(options, true)]
        assert.isTrue(Buffer.from(there.file).equals(here.file))
        // Read once: the bytes that nobody reads are those that make the checksum right.
        const unused = unusedIn(here.database, stripe) ?? 0
        assert.isAbove(unused, 0)
        assert.isFalse(here.database.subarray(unused, unused + stripe).equals(Buffer.alloc(stripe)))
      }).pipe(Effect.scoped)
    )
  }
)
