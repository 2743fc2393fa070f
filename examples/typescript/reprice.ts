/**
 * Change a price through the TypeScript client, and let a person confirm it. Node 22.18 or newer runs it as it is.
 */
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const client = new Client(
  { name: "reprice", version: "1.0.0" },
  // Without `auto`, the client speaks the older revisions only. The server speaks both.
  { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: "auto" } },
);

/** Put the server's question to whoever sits here. This one always ticks the box; a real one must ask. */
client.setRequestHandler("elicitation/create", async (request) => {
  console.log(`  asked: ${request.params.message.split("\n")[1]}`);
  return { action: "accept" as const, content: { confirm: true } };
});

/** Call a tool; what it answers as data. A refusal is an error, with words. */
async function call(name: string, args: Record<string, unknown>): Promise<any> {
  console.log(`  ${name}(${Object.keys(args).join(", ")})`);
  const result = await client.callTool({ name, arguments: args });
  if (result.isError) throw new Error(JSON.stringify(result.content));
  return result.structuredContent;
}

// An invented shop, and a question before every write.
const server = { command: "hoopai-products-mcp", args: ["--sandbox", "--confirm-writes", "all"] };
await client.connect(new StdioClientTransport(server));
try {
  console.log(`With a person to ask, over MCP ${client.getNegotiatedProtocolVersion()}:`);
  const found = await call("list_products", { search: "Storm lantern" });
  const product = await call("get_product", { product_id: found.items[0].id });
  const price = product.prices[0];
  const done = await call("update_price", {
    product_id: product.id,
    price_id: price.id,
    amount: price.amount + 3,
  });
  const [amount] = done.changed;
  console.log(`  ${price.name}: ${amount.before} -> ${amount.after} ${price.currency}`);
  const { items } = await call("list_changes", { limit: 1 });
  const [last] = items;
  console.log(`  in the journal: ${last.tool}, ${last.outcome}, approved by ${last.approved_by}`);
} finally {
  await client.close();
}
