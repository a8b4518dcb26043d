using System.Diagnostics;
using System.Globalization;
using MiniOneRec.Datasets;
using MiniOneRec.Recipes;

namespace MiniOneRec.Cli.Output;

/// <summary>Tells an observer of a preparation's guesses and of each step's counts.</summary>
internal sealed class PreparationProgress(IRecipeObserver observer) : IPreparationObserver
{
    private long _began;

    public void OnMessage(string text) => observer.OnMessage(text);

    public void OnStarted(string step)
    {
        _began = Stopwatch.GetTimestamp();
        observer.OnStarted(step);
    }

    public void OnFinished(PreparationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        observer.OnFinished(step.Name, Stopwatch.GetElapsedTime(_began));
        observer.OnMessage(
            string.Create(CultureInfo.InvariantCulture, $"  {step.Name}: {step.Before:N0} interactions before, {step.After:N0} after"));
    }
}
