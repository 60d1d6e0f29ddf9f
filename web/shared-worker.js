/** The worker that the tabs of an origin share.  Messages: web/worker-service.js. */
import { serve } from './worker-service.js';

addEventListener('connect', ({ ports }) => serve(ports[0]));
