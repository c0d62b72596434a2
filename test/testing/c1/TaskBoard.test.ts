/** The board's promises, held by any sequence of what hosts can do. */
import { assert, describe, it } from "@effect/vitest"
import { create } from "@bufbuild/protobuf"
import { Schema } from "effect"
import { TaskSchema } from "../../../src/c1api/BatonService.ts"
import * as TaskBoard from "../../../src/testing/c1/TaskBoard.ts"

const clientId = "fox@localhost/ccc"
const lease = 10

const Host = Schema.Literals(["host-1", "host-2"])
const index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))

/** What can happen; times are steps of the clock. */
const Happening = Schema.Union([
  Schema.TaggedStruct("Add", { kind: Schema.Literals(["syncFull", "grant"]) }),
  Schema.TaggedStruct("Claim", { host: Host }),
  Schema.TaggedStruct("Keep", { host: Host, task: index }),
  Schema.TaggedStruct("Finish", { host: Host, task: index, requeue: Schema.Boolean }),
  Schema.TaggedStruct("Cancel", { task: index }),
  Schema.TaggedStruct("Wait", { steps: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 })) })
])

describe("the task board", () => {
  it.prop(
    "never lends a task twice, nor two full syncs, and loses none",
    [Schema.Array(Happening).check(Schema.isMaxLength(60))],
    ([happenings]) => {
      const board = TaskBoard.make()
      const added: Array<string> = []
      let now = 0
      for (const happening of happenings) {
        board.expire(now)
        switch (happening._tag) {
          case "Add": {
            const id = String(added.length).padStart(27, "0")
            added.push(id)
            board.add(clientId, create(TaskSchema, { id, taskType: { case: happening.kind, value: {} } }))
            break
          }
          case "Claim": {
            const before = new Map(board.tasks().map((state) => [state.task.id, state.status]))
            const task = board.claim(clientId, happening.host, now + lease)
            if (task !== undefined) assert.strictEqual(before.get(task.id), "pending")
            break
          }
          case "Keep": {
            const id = added[happening.task] ?? ""
            if (board.held(clientId, happening.host, id) !== undefined) board.extend(id, now + lease)
            break
          }
          case "Finish": {
            const id = added[happening.task] ?? ""
            if (board.held(clientId, happening.host, id) !== undefined) board.finish(id, happening.requeue)
            break
          }
          case "Cancel":
            board.cancel(added[happening.task] ?? "")
            break
          case "Wait":
            now += happening.steps
        }
        const claimed = board.tasks().filter(({ status }) => status === "claimed")
        assert.isAtMost(claimed.filter(({ task }) => task.taskType.case === "syncFull").length, 1)
        for (const { hostId } of claimed) assert.isDefined(hostId)
      }

      // With the hosts gone, a new one gets everything that was neither finished nor cancelled, each once.
      board.expire(now + lease)
      const open = board.tasks().flatMap(({ status, task }) => (status === "finished" ? [] : [task.id]))
      const got: Array<string> = []
      for (;;) {
        const task = board.claim(clientId, "host-3", now + 2 * lease)
        if (task === undefined) break
        got.push(task.id)
        board.finish(task.id, false)
      }
      assert.sameMembers(got, open)
      assert.strictEqual(board.tasks().length, added.length)
    }
  )

  it("keeps the order of tasks, and puts one that was taken back first", () => {
    const board = TaskBoard.make()
    for (const id of ["a", "b", "c"]) board.add(clientId, create(TaskSchema, { id }))
    assert.strictEqual(board.claim(clientId, "host-1", lease)?.id, "a")
    assert.deepStrictEqual(board.expire(lease - 1), [])
    assert.deepStrictEqual(board.expire(lease), [{ taskId: "a", hostId: "host-1" }])
    assert.deepStrictEqual(
      ["host-2", "host-2", "host-2"].map((host) => board.claim(clientId, host, lease)?.id),
      ["a", "b", "c"]
    )
  })

  it("lends nothing to another connector", () => {
    const board = TaskBoard.make()
    board.add(clientId, create(TaskSchema, { id: "a" }))
    assert.isUndefined(board.claim("owl@localhost/ccc", "host-1", lease))
    board.claim(clientId, "host-1", lease)
    assert.isUndefined(board.held("owl@localhost/ccc", "host-1", "a"))
  })
})
