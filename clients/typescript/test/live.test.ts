// Against a live hub with a synced company: ERP_HUB_ADDRESS, ERP_HUB_TOKEN, ERP_COMPANY.

import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, type Change, changesSince, connect, HubError, isLive, postOrder } from "../src/client.js";

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

const company = setting("ERP_COMPANY");
const hub = connect(setting("ERP_HUB_ADDRESS"), setting("ERP_HUB_TOKEN"));

test("items are listed page by page, with the fields asked for", async () => {
  const keys = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = answer(
      await hub.GET("/v1/items", { params: { query: { company, limit: 7, cursor, fields: "item_code,standard_unit_price" } } }),
    );
    for (const item of page.data.filter(isLive)) {
      keys.add(item.key);
      assert.match(item.standard_unit_price ?? "", /^-?\d+\.\d{6}$/);
      assert.equal(item.item_code_desc, undefined);
    }
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  assert.ok(keys.size > 7, `only ${keys.size} items`);
  const [key] = keys;
  assert.ok(key !== undefined);
  const item = answer(await hub.GET("/v1/items/{key}", { params: { path: { key }, query: { company } } }));
  assert.equal(item.key, key);
});

test("an order is posted once, and found", async () => {
  const customers = answer(await hub.GET("/v1/customers", { params: { query: { company, limit: 1 } } }));
  const customer = customers.data.find(isLive);
  const items = answer(await hub.GET("/v1/items", { params: { query: { company, item_type: "1", limit: 1 } } }));
  const item = items.data.find(isLive);
  assert.ok(customer?.ar_division_no !== undefined && customer.customer_no !== undefined);
  assert.ok(item?.item_code !== undefined);
  const order = {
    company,
    customer: { ar_division_no: customer.ar_division_no, customer_no: customer.customer_no },
    customer_po_no: "TS-1",
    lines: [{ item_code: item.item_code, quantity_ordered: "1" }],
  };
  const id = await postOrder(hub, "typescript-1", order);
  assert.equal(await postOrder(hub, "typescript-1", order), id);
  const found = answer(await hub.GET("/v1/imports/{id}", { params: { path: { id } } }));
  assert.equal(found.company, company);
  await assert.rejects(
    postOrder(hub, "typescript-1", { ...order, customer_po_no: "TS-2" }),
    (error) => error instanceof HubError && error.problem.code === "idempotency_conflict",
  );
});

test("the feed is followed from its start to its end", async () => {
  const datasets = new Map<string, number>();
  const feed = changesSince(hub, "", { company, limit: 50 });
  let step = await feed.next();
  while (step.done !== true) {
    const change: Change = step.value;
    datasets.set(change.dataset, (datasets.get(change.dataset) ?? 0) + 1);
    if ("record" in change) assert.equal(change.record.key, change.key);
    step = await feed.next();
  }
  assert.ok((datasets.get("items") ?? 0) > 7 && datasets.has("customers"), JSON.stringify([...datasets]));
  const quiet = await changesSince(hub, step.value, { company, datasets: "warehouses" }).next();
  assert.equal(quiet.done, true);
});
