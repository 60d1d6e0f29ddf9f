/** The worker of one page.  Messages: web/worker-service.js. */
import { serve } from './worker-service.js';

serve(self);
