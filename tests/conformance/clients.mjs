// Speaks to a server with the TypeScript clients: clients.mjs v1|v2 MODE http URL [TOKEN] | stdio COMMAND…
import { Client as First } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as FirstStdio } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as FirstHttp } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [which, mode, transport, ...where] = process.argv.slice(2);
const info = { name: "typescript", version: "1" };
const [Http, Stdio] = which === "v1" ? [FirstHttp, FirstStdio] : [StreamableHTTPClientTransport, StdioClientTransport];
const client = which === "v1" ? new First(info) : new Client(info, { versionNegotiation: { mode } });
const headers = where[1] ? { Authorization: `Bearer ${where[1]}` } : {};
await client.connect(
  transport === "http"
    ? new Http(new URL(where[0]), { requestInit: { headers } })
    : new Stdio({ command: where[0], args: where.slice(1), env: process.env }),
);
const stored = await client.callTool({ name: "store_memory", arguments: { content: `Spoken to by ${which} in mode ${mode}` } });
const found = await client.callTool({ name: "recall_memory", arguments: { query: `spoken ${which} ${mode}` } });
const refused = await client.callTool({ name: "recall_memory", arguments: { limt: 3 } });
let unknown = null;
try {
  await client.readResource({ uri: "tmws://memory/none" });
} catch (error) {
  unknown = error.code;
}
console.log(JSON.stringify({
  tools: (await client.listTools()).tools.length,
  prompts: (await client.listPrompts()).prompts.length,
  status: JSON.parse((await client.readResource({ uri: "tmws://status" })).contents[0].text).ok,
  created: stored.structuredContent.created,
  found: found.content[0].text.includes(which),
  refused: refused.isError === true,
  unknown,
}));
await client.close();
