/** Runs the main job once, against the built-in simulator: `npm run demo`. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync } from "node:fs"
import { createInterface } from "node:readline"

const root = new URL("..", import.meta.url).pathname
const bin = `${root}dist/bin.js`
const directory = `${root}demo`
const file = "demo/sync.c1z"
mkdirSync(directory, { recursive: true })

const simulator = spawn(process.execPath, [bin, "simulate", "--port", "0", "--members", "1200", "--roles", "40"], {
  stdio: ["ignore", "pipe", "inherit"]
})
const stop = () => simulator.kill("SIGKILL")
process.once("exit", stop)
process.once("SIGINT", () => process.exit(130))

/** The settings that `simulate` prints as `export NAME=value`. */
const settings: Record<string, string> = {}
for await (const line of createInterface({ input: simulator.stdout })) {
  const [, name, value] = /export (\w+)=(.+)/.exec(line) ?? []
  if (name !== undefined && value !== undefined) settings[name] = value
  if (settings["BATON_BASE_URL"] !== undefined && settings["BATON_API_TOKEN"] !== undefined) break
}

console.log(`Syncing a simulated PostHog organization (${settings["BATON_BASE_URL"]}) …\n`)
const sync = spawn(process.execPath, [bin, "--file", file], {
  cwd: root,
  env: { ...process.env, ...settings },
  stdio: ["ignore", "inherit", "inherit"]
})
const [code] = await once(sync, "exit")
stop()
if (code !== 0) process.exit(1)

console.log(`
The file is ${file}. Next, try:

  1. Look into it with ConductorOne's own command:
       baton resources -f ${file}
  2. Stream records instead, from a simulated PostHog that stays up:
       npm start --silent -- simulate
     and, with the two settings that it prints, in another shell:
       npm start --silent -- sync --output ndjson | head -5
  3. Read your own organization:
       export BATON_BASE_URL=https://us.posthog.com/api/organizations/<organization_id>
       export BATON_API_TOKEN=<a personal API key with organization_member:read and organization:read>
       npm start --silent --
`)
