// The settings of a site.
import { start as startColors } from "./colors.js";
import { start as startLogo } from "./logo.js";

startColors();
startLogo();
