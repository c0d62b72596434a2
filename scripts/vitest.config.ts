import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    testTimeout: 90_000,
    // Nothing here has state of its own module, so files can share what they load: 179 s in place of 200.
    isolate: false,
    // Many tests wait for a child process; one worker would wait with them.
    maxWorkers: 3
  }
})
