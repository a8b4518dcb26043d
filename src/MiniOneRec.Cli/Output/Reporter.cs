using MiniOneRec.Evaluation;
using MiniOneRec.Recipes;

namespace MiniOneRec.Cli.Output;

/// <summary>Writes progress, results and errors in one of three ways: for people, as JSON lines, or results alone.</summary>
internal abstract class Reporter : IRecipeObserver
{
    /// <summary>Makes the reporter for the options <c>--json</c> and <c>--quiet</c>.</summary>
    public static Reporter Create(bool json, bool quiet, TextWriter output, TextWriter error) =>
        json ? new JsonReporter(output, error, quiet) : new TextReporter(output, error, quiet);

    public abstract void OnStarted(string stage);

    public abstract void OnProgress(TrainingProgress progress);

    public abstract void OnFinished(string stage, TimeSpan elapsed);

    public abstract void OnMessage(string text);

    /// <summary>Writes the figures of several models.</summary>
    public abstract void Show(ComparisonReport report);

    /// <summary>Writes a result that has rows and columns.</summary>
    /// <param name="name">What the rows are, for example <c>recommendation</c>.</param>
    /// <param name="columns">The columns' names.</param>
    /// <param name="rows">The rows; numbers, text or <see langword="null"/>.</param>
    public abstract void Table(string name, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows);

    /// <summary>Writes a result that is a text, for example a path.</summary>
    /// <param name="name">What it is, for example <c>model</c>.</param>
    /// <param name="value">The text.</param>
    public abstract void Value(string name, string value);

    /// <summary>Tells that the user stopped the command.</summary>
    /// <param name="message">What is left, and how to go on.</param>
    public abstract void Cancelled(string message);

    /// <summary>Tells why the command failed.</summary>
    public abstract void Failed(string message, int code);
}
