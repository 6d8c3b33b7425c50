"""What both algorithms share: the program, its words, and its voice in the dialog."""

import shlex

from qgis.core import QgsProcessingAlgorithm, QgsProcessingException, QgsProcessingParameterString

from . import program


class HadAlgorithm(QgsProcessingAlgorithm):
    """An algorithm that runs ``had``."""

    OPTIONS = "OPTIONS"

    def createInstance(self):
        """Return another one; Processing wants that."""
        return type(self)()

    def helpUrl(self):
        """Return where more is told."""
        return ""

    def addOptions(self, example):
        """Add the parameter for all that has none of its own."""
        self.addParameter(
            QgsProcessingParameterString(
                self.OPTIONS, f"More options of the command line, such as {example}", optional=True
            )
        )

    def moreOptions(self, parameters, context):
        """Return the words of that parameter."""
        try:
            return shlex.split(self.parameterAsString(parameters, self.OPTIONS, context))
        except ValueError as error:
            raise QgsProcessingException(f"More options: {error}") from error

    def run_had(self, words, feedback, *, followed=False):
        """Return the JSON document of a command, its progress shown.

        Raises
        ------
        QgsProcessingException
            When it fails: the line that had says.
        """

        def say(kind, text, fraction):
            if kind == "progress":
                feedback.setProgressText(text)
                feedback.setProgress(100 * fraction)
            elif kind == "warning":
                feedback.pushWarning(text)
            else:
                feedback.pushInfo(text)

        try:
            executable = program.find(executable_setting())
            feedback.pushCommandInfo(" ".join(shlex.quote(str(word)) for word in [executable, *words]))
            return program.run(executable, words, say, feedback.isCanceled, followed=followed)
        except program.ProgramError as error:
            raise QgsProcessingException(str(error)) from error
        except program.Cancelled:
            return None


def executable_setting():
    """Return what the provider's setting says, if it is there."""
    from processing.core.ProcessingConfig import ProcessingConfig

    return ProcessingConfig.getSetting(program.SETTING) or ""
