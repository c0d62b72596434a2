/** What C1 wants to know of the machine. C1 refuses empty fields, so each has something to stand in for it. */
import { Effect, FileSystem } from "effect"
import * as os from "node:os"
import type { HelloInfo } from "./BatonClient.ts"

type OsInfo = NonNullable<HelloInfo["osInfo"]>

/** C1: systems by the names that Go has for them. */
const systems: Readonly<Record<string, string>> = { win32: "windows", sunos: "solaris" }

/** C1: the longest text of these fields, in bytes; what is longer is cut. */
const longest = 256

const cut = (text: string): string => {
  let end = text
  while (Buffer.byteLength(end) > longest) end = end.slice(0, -1)
  return end
}

/** Lines of the form `ID=debian` or `VERSION_ID="12"`. */
const parseRelease = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text.split("\n").flatMap((line) => {
      const [, key, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? []
      return key === undefined || value === undefined ? [] : [[key, value.replace(/^(["'])(.*)\1$/, "$2")]]
    })
  )

const firstOf = (...texts: ReadonlyArray<string | undefined>): string =>
  cut(texts.find((text) => text !== undefined && text !== "") ?? "unknown")

/** The host's name, or what C1 connectors say where it has none. */
export const defaultHostId = Effect.sync(() => firstOf(os.hostname(), "baton-sdk"))

/** Reads it from Node and, on Linux, from the files that describe the distribution. */
export const osInfo: Effect.Effect<OsInfo, never, FileSystem.FileSystem> = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const text = (path: string) => files.readFileString(path).pipe(Effect.orElseSucceed(() => ""))
  const release = parseRelease(yield* text("/etc/os-release"))
  const inDocker = yield* files.exists("/.dockerenv").pipe(Effect.orElseSucceed(() => false))
  const system = systems[process.platform] ?? process.platform
  const platform = firstOf(release["ID"], system)
  const kernelVersion = firstOf(os.release())
  return {
    hostname: firstOf(os.hostname()),
    os: system,
    platform,
    platformVersion: firstOf(release["VERSION_ID"], kernelVersion),
    platformFamily: firstOf(release["ID_LIKE"]?.split(" ")[0], platform),
    kernelVersion,
    kernelArch: firstOf(os.machine(), process.arch),
    virtualizationSystem: inDocker ? "docker" : "none"
  }
})

/** The program that runs: Node's version, and the package by name and version. */
export const buildInfo = (name: string, version: string): NonNullable<HelloInfo["buildInfo"]> => ({
  langVersion: cut(process.version),
  package: cut(name),
  packageVersion: cut(version)
})
