namespace MiniOneRec.Recipes;

/// <summary>Watches a recipe: a console, a log, a page.</summary>
/// <remarks>All methods are called on the recipe's threads, one call at a time, and do nothing unless implemented.</remarks>
public interface IRecipeObserver
{
    /// <summary>Is told that a stage starts.</summary>
    /// <param name="stage">The stage, for example <c>sft</c>.</param>
    void OnStarted(string stage)
    {
    }

    /// <summary>Is told where a running stage stands, at most once per step.</summary>
    /// <param name="progress">Stage, step and figures.</param>
    void OnProgress(TrainingProgress progress)
    {
    }

    /// <summary>Is told that a stage is done.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="elapsed">How long it took.</param>
    void OnFinished(string stage, TimeSpan elapsed)
    {
    }

    /// <summary>Is told something worth a line: sizes, figures, paths.</summary>
    /// <param name="text">A sentence.</param>
    void OnMessage(string text)
    {
    }
}
