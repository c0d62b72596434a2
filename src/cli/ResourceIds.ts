/** Baton ids of resources, as `--sync-resources` takes them. */
import { Result } from "effect"
import type { ResourceId } from "../c1/ResourceId.ts"
import { SettingInvalid } from "./SettingInvalid.ts"

/** Parts between `/`, with `\\`, `\/` and `\:` unescaped. */
const parts = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/(?:[^\\/]|\\.)+/gs)].map(([part]) => part.replace(/\\(.)/gs, "$1"))

/**
 * Reads `bid:r:type/id`. C1 also writes a parent before the type (`bid:r:parentType/parentId/type/id`), which says
 * nothing here.
 *
 * @example
 * parse("bid:r:user/0191f2aa-70ee-7c41-8a0e-2d1be53f7a90")
 */
export const parse = (text: string): Result.Result<ResourceId, SettingInvalid> => {
  const [resourceType, resource] = text.startsWith("bid:r:") ? parts(text.slice("bid:r:".length)).slice(-2) : []
  return resourceType === undefined || resource === undefined
    ? Result.fail(
        new SettingInvalid({
          problem: `sync-resources holds ${JSON.stringify(text.slice(0, 100))}, which is not the Baton id of a resource.`,
          fix: "Write bid:r:user/<uuid> or bid:r:role/<id>."
        })
      )
    : Result.succeed({ resourceType, resource })
}
