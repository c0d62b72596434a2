import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    testTimeout: 90_000,
    // Many tests wait for a child process; one worker would wait with them.
    maxWorkers: 3
  }
})
