// The settings of a site.
import { start as startColors } from "./colors.js";
import { start as startLogo } from "./logo.js";
import { start as startMenus } from "./menus.js";

startColors();
startLogo();
startMenus();
