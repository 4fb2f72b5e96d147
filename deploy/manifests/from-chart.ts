/** The plain manifests are what the chart renders from these values: nothing but the webhook and the sync. */

/** Of `helm template tandem deploy/charts/tandem --namespace tandem`. */
export const manifestValues = {
  global: { enabled: false },
  externalServers: { enabled: true, hosts: ['consul-server.consul.svc'] },
  // No clients of this chart: people have agents of their own.
  connectInject: {
    enabled: true,
    proxyMode: 'agent',
    // Without a redirector, which is a part of its own.
    transparentProxy: { defaultEnabled: false, redirection: 'init' },
  },
  syncCatalog: { enabled: true },
  // kubectl would replace the CRDs of consul-k8s without asking.
  configEntries: { enabled: false },
} as const;

const HEADER = '# Rendered from deploy/charts/tandem: change it there (README.md).\n';
const SOURCE =
  /^---\n# Source: tandem\/templates\/(?<template>(?:webhook|sync)-[\w-]+\.yaml)\n(?<text>(?:(?!^---$)[^])*)/gm;
// kubectl would claim that Helm manages what it applies.
const OF_HELM = /^ +(?:helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm;

/** @returns file name → text, for everything that helm rendered of the two */
export function plainManifests(rendered: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { groups: { template = '', text = '' } = {} } of rendered.matchAll(SOURCE)) {
    const file = fileOf(template);
    const before = files.get(file);
    const document = `${text.replaceAll(OF_HELM, '').trim()}\n`;
    files.set(file, before === undefined ? HEADER + document : `${before}---\n${document}`);
  }
  return files;
}

/** The webhook came first: its files have no prefix but where the kind would be unclear. */
function fileOf(template: string): string {
  return template === 'webhook-configuration.yaml' ? template : template.replace(/^webhook-/, '');
}
