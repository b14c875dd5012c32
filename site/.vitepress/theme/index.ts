/** VitePress' own theme, with tables and code that fit a phone. */
import theme from 'vitepress/theme'
import './style.css'

export default theme
