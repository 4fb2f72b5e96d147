/** The page as a screen reader has it: Chromium's own accessibility tree. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { startChromium, type Page } from '../harness/chromium.ts';
import { startScene } from '../harness/scene.ts';
import { fullStatus } from './full-status.ts';
import { servePage } from './served-page.ts';

const scene = await startScene(['chromium']);
const WIDTHS = [400, 1400];
const trees = new Map<number, readonly Node[]>();
before(async () => {
  const browser = await startChromium(scene.start, scene.folder);
  const served = await servePage(fullStatus);
  scene.atEnd(served.close);
  const page = await browser.page();
  for (const width of WIDTHS) {
    await page.resize(width, 900);
    await page.go(served.url);
    trees.set(width, await tree(page));
  }
});

type Value = { readonly value?: unknown };
type Node = {
  readonly nodeId: string;
  readonly parentId?: string;
  readonly childIds: readonly string[];
  readonly ignored: boolean;
  readonly role?: Value;
  readonly name?: Value;
  readonly properties?: readonly { readonly name: string; readonly value: Value }[];
};

async function tree(page: Page): Promise<readonly Node[]> {
  await page.until(`document.getElementById('live').textContent === 'Live'`);
  const { nodes } = await page.send('Accessibility.getFullAXTree');
  return inOrder(nodes as readonly Node[]).filter(({ ignored }) => !ignored);
}

/** In the order of the page; Chromium gives it level by level. */
function inOrder(nodes: readonly Node[]): readonly Node[] {
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const walk = (node: Node): readonly Node[] => [
    node,
    ...node.childIds.flatMap((id) => {
      const child = byId.get(id);
      return child === undefined ? [] : walk(child);
    }),
  ];
  return nodes[0] === undefined ? [] : walk(nodes[0]);
}

function named(nodes: readonly Node[], ...roles: readonly string[]): string[] {
  return nodes
    .filter(({ role }) => roles.includes(String(role?.value)))
    .map(({ role, name }) => `${String(role?.value)} ${String(name?.value)}`.trim());
}

/** All below the first node of that role and name. */
function below(nodes: readonly Node[], role: string, name: string): readonly Node[] {
  const parents = new Map(nodes.map(({ nodeId, parentId }) => [nodeId, parentId]));
  const top = nodes.find((node) => node.role?.value === role && node.name?.value === name)?.nodeId;
  assert.ok(top, `${role} ${name}`);
  return nodes.filter(({ nodeId }) => {
    let at: string | undefined = nodeId;
    while (at !== undefined && at !== top) at = parents.get(at);
    return at === top;
  });
}

for (const width of WIDTHS) {
  test(`at ${width} pixels: landmarks, headings, and a name for every control`, () => {
    const nodes = trees.get(width) ?? [];
    assert.deepEqual(named(nodes, 'banner', 'main', 'navigation', 'search', 'contentinfo'), [
      'banner',
      'main',
      'navigation Tables',
      'search',
      'contentinfo',
      'navigation Other pages',
    ]);
    const regions = [
      'This process',
      'Kubernetes to Consul',
      'Consul to Kubernetes',
      'Injected pods',
      'Cleanup on agents',
      'Webhook',
      'Kubernetes Services in Consul',
      'Consul services in Kubernetes',
      'Injected pods in Consul',
      'Newest admissions',
    ];
    assert.deepEqual(
      named(nodes, 'region'),
      ['Not in sync', ...regions].map((name) => `region ${name}`),
    );
    assert.deepEqual(
      named(nodes, 'heading'),
      ['Tandem sync', 'Not in sync', ...regions].map((name) => `heading ${name}`),
    );
    assert.deepEqual(named(nodes, 'searchbox', 'radio', 'button', 'group'), [
      'searchbox Search names, reasons and problems',
      'group Show',
      'radio All 14',
      'radio In step 6',
      'radio Left out 7',
      'radio Problems 7',
      'button Search',
    ]);
    const nameless = nodes.filter(
      ({ role, name }) =>
        ['link', 'button', 'radio', 'table', 'region'].includes(String(role?.value)) && !name?.value,
    );
    assert.deepEqual(nameless, []);
  });

  test(`at ${width} pixels: tables with a header for every column and every row`, () => {
    const nodes = trees.get(width) ?? [];
    assert.equal(named(nodes, 'table').length, 4);
    const table = below(nodes, 'table', 'Kubernetes Services in Consul');
    assert.deepEqual(named(table, 'columnheader'), [
      'columnheader Service',
      'columnheader State',
      'columnheader Instances',
      'columnheader Reason and problems',
    ]);
    assert.equal(named(table, 'row').length, 6);
    assert.ok(named(table, 'rowheader').includes('rowheader default/web'));
    assert.equal(named(table, 'cell').length, 15);
  });

  test(`at ${width} pixels: two quiet places say what is news, and no table does`, () => {
    const nodes = trees.get(width) ?? [];
    const live = (node: Node): unknown => node.properties?.find(({ name }) => name === 'live')?.value.value;
    const speaking = nodes.filter(
      (node) =>
        live(node) !== undefined &&
        node.properties?.some(({ name, value }) => name === 'atomic' && value.value === true),
    );
    assert.deepEqual(
      speaking.filter(({ role }) => role?.value === 'status').map(live),
      speaking.filter(({ role }) => role?.value === 'status').map(() => 'polite'),
    );
    assert.equal(named(nodes, 'status').length, 2);
    assert.deepEqual(named(nodes, 'alert', 'log', 'timer', 'marquee'), []);
    assert.ok(
      below(nodes, 'table', 'Kubernetes Services in Consul').every((node) => live(node) === undefined),
    );
  });
}
