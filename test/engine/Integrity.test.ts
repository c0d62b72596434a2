import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { grantId } from "../../src/c1/Ids.ts"
import { describe as nameOf } from "../../src/c1/SyncRecord.ts"
import * as Integrity from "../../src/engine/Integrity.ts"
import { group, groupId, groupType, memberOf, membership, person, personId, personType } from "./DirectoryConnector.ts"

/** People ada and bo, groups ops and dev with one entitlement each; grants are to come of ops. */
const filled = () => {
  const integrity = Integrity.make()
  integrity.resourceTypes([personType, groupType])
  integrity.resources([person("ada"), person("bo")])
  integrity.resources([group("ops"), group("dev")])
  integrity.entitlements(group("ops"), [memberOf("ops")])
  integrity.entitlements(group("dev"), [memberOf("dev")])
  integrity.grantsOf(group("ops"))
  return integrity
}

const brokenBy = ({ problem }: Integrity.Checked): string =>
  problem?._tag === "BrokenReference" ? problem.invariant : (problem?._tag ?? "nothing")

describe("Integrity", () => {
  it("passes records on, page by page, and counts them", () => {
    const integrity = filled()
    const { problem, records } = integrity.grants([membership("ops", "ada"), membership("ops", "bo")])
    assert.isUndefined(problem)
    assert.deepStrictEqual(records.map(nameOf), ["grant group:ops:member:user:ada", "grant group:ops:member:user:bo"])
    assert.deepStrictEqual(integrity.counts(), {
      resourceTypes: 2,
      resources: 4,
      entitlements: 2,
      grants: 2,
      resourcesByType: { user: 2, group: 2 },
      entitlementsByType: { group: 2 },
      grantsByType: { group: 2 }
    })
    assert.deepStrictEqual(integrity.notes(), [])
  })

  describe("every reference leads to a record of the same sync", () => {
    it("a resource is of a declared type", () => {
      const integrity = Integrity.make()
      integrity.resourceTypes([groupType])
      const checked = integrity.resources([group("ops"), person("ada"), group("dev")])
      assert.strictEqual(brokenBy(checked), "types")
      assert.deepStrictEqual(checked.records.map(nameOf), ["resource group:ops"])
      assert.include(checked.problem?.message, "resource user:ada")
      assert.include(checked.problem?.message, "defect of the connector")
    })

    it("an entitlement is on a resource of the sync (I7), and on the one that was asked about", () => {
      const integrity = filled()
      assert.strictEqual(brokenBy(integrity.entitlements(group("hr"), [memberOf("hr")])), "I7")
      assert.strictEqual(brokenBy(integrity.entitlements(group("ops"), [memberOf("dev")])), "listing")
    })

    it("an entitlement is grantable to declared types", () => {
      const checked = filled().entitlements(group("ops"), [{ ...memberOf("ops"), grantableTo: [{ id: "robot" }] }])
      assert.strictEqual(brokenBy(checked), "types")
      assert.include(checked.problem?.message, "robot")
    })

    it("a grant is on a resource of the sync (I3), of an entitlement of the sync (I8), and of the resource asked about", () => {
      const integrity = filled()
      assert.strictEqual(brokenBy(integrity.grants([membership("hr", "ada")])), "I3")
      const owner = { ...memberOf("ops"), id: "group:ops:owner" }
      const owning = { ...membership("ops", "ada"), entitlement: owner, id: grantId(owner.id, personId("ada")) }
      assert.strictEqual(brokenBy(integrity.grants([owning])), "I8")
      assert.strictEqual(brokenBy(integrity.grants([membership("dev", "ada")])), "listing")
    })

    it("nothing is left of a page after the record that is wrong", () => {
      const integrity = filled()
      const checked = integrity.grants([membership("ops", "ada"), membership("hr", "ada"), membership("ops", "bo")])
      assert.deepStrictEqual(checked.records.map(nameOf), ["grant group:ops:member:user:ada"])
    })

    it("a grant to somebody who is not in the sync is no mistake: it is left out and counted", () => {
      const integrity = filled()
      const { problem, records } = integrity.grants([membership("ops", "ghost"), membership("ops", "ada")])
      assert.isUndefined(problem)
      assert.strictEqual(records.length, 1)
      assert.deepInclude(integrity.notes()[0], { code: "grants-of-unknown-principals", count: 1 })
      assert.strictEqual(integrity.counts().grants, 1)
    })

    it("types do not mix: a group named like a person is not that person", () => {
      const integrity = filled()
      const toGroup = { ...membership("ops", "dev"), principal: { id: groupId("dev") } }
      assert.strictEqual(integrity.grants([toGroup]).records.length, 1)
      assert.strictEqual(integrity.grants([membership("ops", "dev")]).records.length, 0)
    })
  })

  describe("the last of two counts", () => {
    it("resources and entitlements replace, and are counted once", () => {
      const integrity = filled()
      assert.deepStrictEqual(integrity.resources([person("ada", "Ada")]).records, [
        { _tag: "Resource", value: person("ada", "Ada"), replaces: true }
      ])
      const renamed = { ...memberOf("ops"), displayName: "Member of Ops" }
      assert.deepStrictEqual(integrity.entitlements(group("ops"), [renamed]).records, [
        { _tag: "Entitlement", value: renamed, replaces: true }
      ])
      assert.strictEqual(integrity.counts().resources, 4)
      assert.strictEqual(integrity.counts().entitlements, 2)
      assert.deepStrictEqual(
        integrity.notes().map(({ code, count }) => [code, count]),
        [
          ["duplicate-resources", 1],
          ["duplicate-entitlements", 1]
        ]
      )
    })

    it("a grant listed twice replaces as well", () => {
      const integrity = filled()
      integrity.grants([membership("ops", "ada")])
      const again = { ...membership("ops", "ada"), sources: {} }
      assert.deepStrictEqual(integrity.grants([again]).records, [{ _tag: "Grant", value: again, replaces: true }])
      assert.strictEqual(integrity.counts().grants, 1)
      assert.deepInclude(integrity.notes()[0], { code: "duplicate-grants", count: 1 })
    })

    it("two grants of one entitlement to one principal under different ids become one: C1 keeps one", () => {
      const integrity = filled()
      const other = { ...membership("ops", "ada"), id: "another id" }
      assert.strictEqual(integrity.grants([membership("ops", "ada"), other]).records.length, 1)
      assert.strictEqual(integrity.counts().grants, 1)
    })

    it("who holds an entitlement is remembered for one resource, not for the next", () => {
      const integrity = filled()
      integrity.grants([membership("ops", "ada")])
      integrity.grantsOf(group("dev"))
      assert.deepStrictEqual(integrity.grants([membership("dev", "ada")]).records, [
        { _tag: "Grant", value: membership("dev", "ada") }
      ])
    })
  })

  describe("resources that left", () => {
    it("are taken back and counted no more; grants to them are left out", () => {
      const integrity = filled()
      assert.deepStrictEqual(integrity.left([personId("ada")]), {
        records: [{ _tag: "Retraction", value: personId("ada") }],
        problem: undefined
      })
      assert.strictEqual(integrity.counts().resourcesByType["user"], 1)
      assert.strictEqual(integrity.grants([membership("ops", "ada")]).records.length, 0)
    })

    it("that were never emitted, or are taken back already, are nothing new", () => {
      const integrity = filled()
      assert.deepStrictEqual(integrity.left([personId("ghost")]).records, [])
      assert.strictEqual(integrity.left([personId("ada"), personId("ada")]).records.length, 1)
    })

    it("and come back are new", () => {
      const integrity = filled()
      integrity.left([personId("ada")])
      assert.deepStrictEqual(integrity.resources([person("ada")]).records, [{ _tag: "Resource", value: person("ada") }])
    })
  })

  describe("records that C1 would not accept", () => {
    it("are named with their field and the limit", () => {
      const checked = filled().resources([person("")])
      assert.strictEqual(brokenBy(checked), "InvalidRecord")
      const long = filled().resources([person("x".repeat(2000))])
      assert.include(long.problem?.message, "1024 bytes")
    })

    it("do not pass when they repeat an earlier one", () => {
      assert.strictEqual(brokenBy(filled().resources([person("ada", "  ")])), "InvalidRecord")
    })
  })

  const name = Schema.Literals(["ada", "bo", "cy", "ghost"])

  it.prop(
    "of any grants, each holder and entitlement counts once, and nobody unknown holds anything",
    [Arbitrary.array(Arbitrary.schema(name), { maxLength: 30 })],
    ([names]) => {
      const integrity = filled()
      const records = names.flatMap((holder) => integrity.grants([membership("ops", holder)]).records)
      const known = names.filter((holder) => holder === "ada" || holder === "bo")
      assert.strictEqual(records.length, known.length)
      assert.strictEqual(integrity.counts().grants, new Set(known).size)
      assert.strictEqual(
        records.filter((record) => record._tag === "Grant" && record.replaces === true).length,
        known.length - new Set(known).size
      )
    }
  )
})
