"""``had report``: one HTML file to look at, without a server, a network or anything to install.

Python gathers and reduces what the page shows (:mod:`had_cli.report.gathering`,
:mod:`had_cli.report.scene_page`, :mod:`had_cli.report.bench_page`) and puts it, together with the style
sheet and the scripts in ``page/``, into a single document (:mod:`had_cli.report.document`). The scripts
only draw what the document carries.
"""
