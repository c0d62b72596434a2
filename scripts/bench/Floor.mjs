/**
 * The least that any client in Node can take: the same requests with the same concurrency, their bodies thrown away
 * (`wire`) or given to `JSON.parse` (`parse`). `node Floor.mjs wire|parse <origin> <concurrency>` reads the paths from stdin.
 */
import { text } from "node:stream/consumers"
import undici from "undici"

const [kind, origin = "", concurrency = "4"] = process.argv.slice(2)
/** @type {ReadonlyArray<string>} */
const paths = JSON.parse(await text(process.stdin))
const agent = new undici.Agent()
let next = 0

const work = async () => {
  for (let path = paths[next++]; path !== undefined; path = paths[next++]) {
    const { body } = await agent.request({ origin, path, method: "GET", headers: { accept: "application/json" } })
    if (kind === "parse") await body.json()
    else for await (const _ of body);
  }
}

await Promise.all(Array.from({ length: Number(concurrency) }, work))
await agent.close()
