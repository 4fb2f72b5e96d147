/** The flags of `tandem redirector` and of `tandem redirect-wait`. */
import { string } from './flag.ts';

const NODE_VARIABLE = { variables: ['NODE_NAME'] };

export const redirectWaitFlags = {
  nodeName: string('Name of the node, for the log.', 'NAME', undefined, NODE_VARIABLE),
};
