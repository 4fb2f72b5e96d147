/** The images that every cluster starts with, beside what is tested in it. */

export const SANDBOX_IMAGE = 'pause:local';
export const DNS_IMAGE = 'coredns:local';
