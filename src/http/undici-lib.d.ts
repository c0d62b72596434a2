/** What undici's package declares no types for: a part of it by its file, so that nothing else of it is loaded. */
declare module "undici/lib/dispatcher/agent.js" {
  import { Agent } from "undici"
  export default Agent
}
